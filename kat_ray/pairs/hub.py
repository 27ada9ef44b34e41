"""The public preference datasets: where they are, and how one of their rows becomes a pair.

    hh   Anthropic/hh-rlhf                            transcripts; train and test
    uf   HuggingFaceH4/ultrafeedback_binarized        message lists; train_prefs, and test_prefs when asked for
    se   HuggingFaceH4/stack-exchange-preferences     a question with scored answers, in HTML; train

Knows schemas; writes nothing. Rows come from `datasets`, streamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kat_ray.errors import InputError, RowError
from kat_ray.pairs.markup import plain_text
from kat_ray.pairs.rows import parse_row
from kat_ray.records import Pair

SourceKey = Literal["hh", "uf", "se"]
Load = Callable[[str, str, int], Iterable[Mapping[str, Any]]]
"""(dataset id or folder, split, rows to skip) -> rows."""


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset; `pair` makes a complete pair of a row or raises RowError with the reason for dropping it."""

    key: SourceKey
    dataset: str
    splits: tuple[str, ...]
    test_splits: tuple[str, ...]
    label: str
    pair: Callable[[Mapping[str, Any]], Pair]


def stream_rows(load: Load, dataset: str, split: str, skip: int) -> Iterator[Mapping[str, Any]]:
    """Rows of a split from number `skip` on.

    Raises:
        InputError: when the dataset cannot be reached or read.
    """
    try:
        yield from load(dataset, split, skip)
    except Exception as error:  # the loader's errors share no base class
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"Cannot read the split {split} of {dataset}: {reason} Check the network and run the same command again "
            "to go on, or give a folder with the datasets by --source-dir."
        ) from error


def load_streaming(dataset: str, split: str, skip: int) -> Iterable[Mapping[str, Any]]:
    """Rows of a dataset of the hub, or of a local folder laid out like one, without downloading it whole."""
    import datasets

    rows: Iterable[Mapping[str, Any]] = datasets.load_dataset(dataset, split=split, streaming=True).skip(skip)
    return rows


def _transcript_pair(row: Mapping[str, Any]) -> Pair:
    return parse_row({"chosen": row.get("chosen"), "rejected": row.get("rejected")}, "hh-rlhf")


def _message_pair(row: Mapping[str, Any]) -> Pair:
    named = {name: row.get(name) for name in ("prompt", "chosen", "rejected")}
    return parse_row(named, "ultrafeedback-binarized")


def _scored_pair(row: Mapping[str, Any]) -> Pair:
    """The best answer against the worst one; a question whose answers all have one score says nothing.

    Scores are `pm_score`: log2(1 + upvotes), 1 more when accepted (Askell et al. 2021). Of equals the earlier answer.
    """
    answers = row.get("answers")
    if not isinstance(row.get("question"), str) or not isinstance(answers, list) or not answers:
        raise RowError("the row has no question or no answers")
    scored = [(_score(answer), answer.get("text")) for answer in answers]
    best, worst = max(scored, key=lambda entry: entry[0]), min(scored, key=lambda entry: entry[0])
    if best[0] == worst[0]:
        raise RowError("all answers have the same score")
    texts = {"prompt": row["question"], "chosen": best[1], "rejected": worst[1]}
    if not all(isinstance(text, str) for text in texts.values()):
        raise RowError("an answer has no text")
    return parse_row({name: plain_text(text) for name, text in texts.items()}, "stack-exchange-preferences")


def _score(answer: object) -> int:
    score = answer.get("pm_score") if isinstance(answer, Mapping) else None
    if not isinstance(score, int):
        raise RowError("an answer has no score")
    return score


SOURCES = (
    Source("hh", "Anthropic/hh-rlhf", ("train", "test"), (), "hh-rlhf", _transcript_pair),
    Source(
        "uf",
        "HuggingFaceH4/ultrafeedback_binarized",
        ("train_prefs",),
        ("test_prefs",),
        "ultrafeedback-binarized",
        _message_pair,
    ),
    Source(
        "se", "HuggingFaceH4/stack-exchange-preferences", ("train",), (), "stack-exchange-preferences", _scored_pair
    ),
)
"""In the order in which they are written."""
