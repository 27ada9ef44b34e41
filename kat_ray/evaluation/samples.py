"""Turns one decoded row into a query with its documents, and many of them into an evaluation set.

    query       `query`, `anchor` or `question`: a text
    positives   `pos`, `positive` or `answer`: a text or a list of texts
    hard ones   `hard_neg`, `neg` or `negative`: a text, a list of texts, or nothing

Of several names the first that holds something counts, for hard negatives all; other keys are ignored. Texts lose the
white space at their ends; a blank one is none. Knows nothing of files; never puts text of a row into a reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kat_ray.errors import RowError
from kat_ray.evaluation.relevance import EvaluationSet, Reject, Relevance

_QUERY = ("query", "anchor", "question")
_POSITIVES = ("pos", "positive", "answer")
_HARD_NEGATIVES = ("hard_neg", "neg", "negative")

COLUMNS = (*_QUERY, *_POSITIVES, *_HARD_NEGATIVES)
"""All names that are looked at."""

_FIRST = 10  # rejects that are held with their rows


class Sample(NamedTuple):
    """One usable row: texts without white space at their ends, at least one positive."""

    query: str
    positives: tuple[str, ...]
    hard_negatives: tuple[str, ...]
    num_blank: int = 0
    """Members of the list of positives that hold nothing."""


class Collected(NamedTuple):
    """What the rows gave; the set is None when none of them could be used."""

    evaluation_set: EvaluationSet | None
    rejects: Mapping[str, int]
    """Rows that could not be used, by reason."""


def parse_sample(row: object) -> Sample:
    """The sample of one row.

    Raises:
        RowError: with one short sentence that counts well, since it becomes the reason of a reject.
    """
    if not isinstance(row, dict):
        raise RowError("the row is no object with a query and its positives")
    query_name, query = _first(row, _QUERY)
    if not isinstance(query, str):
        raise RowError(f"{query_name} is not a text")
    positive_name, held = _first(row, _POSITIVES)
    positives = _texts(positive_name, held)
    hard = [text for name in _HARD_NEGATIVES for text in _texts(name, row.get(name))]
    return Sample(query.strip(), tuple(positives), tuple(hard), len(_members(held)) - len(positives))


def collect(rows: Iterable[tuple[int, Sample | str]], max_samples: int | None = None) -> Collected:
    """Join (number, sample or reason) to a set: equal queries are one with all their positives, equal documents one.

    The first max_samples queries count. All rows are read, since a late one may judge an early query; no more is held
    than what counts.
    """
    queries: dict[str, int] = {}
    documents: dict[str, int] = {}
    positives: list[dict[int, None]] = []
    hard_negatives: list[dict[int, None]] = []
    rejects = Counter[str]()
    first_rejects: list[Reject] = []
    num_rows = num_blank = num_unused = 0
    for number, outcome in rows:
        num_rows += 1
        if isinstance(outcome, str):
            rejects[outcome] += 1
            if len(first_rejects) < _FIRST:
                first_rejects.append(Reject(number, outcome))
        elif outcome.query in queries or len(queries) != max_samples:
            query = queries.setdefault(outcome.query, len(queries))
            for lists, texts in ((positives, outcome.positives), (hard_negatives, outcome.hard_negatives)):
                if query == len(lists):
                    lists.append({})
                lists[query].update((documents.setdefault(text, len(documents)), None) for text in texts)
            num_blank += outcome.num_blank
        else:
            num_unused += 1
    if not queries:
        return Collected(None, rejects)
    relevance, contradictions = _judge(positives, hard_negatives, len(documents))
    whole = EvaluationSet(
        tuple(queries),
        tuple(documents),
        relevance,
        rejects,
        tuple(first_rejects),
        num_rows,
        contradictions,
        num_blank,
        num_unused,
    )
    return Collected(whole, rejects)


def _judge(
    positives: list[dict[int, None]], hard_negatives: list[dict[int, None]], num_documents: int
) -> tuple[Relevance, int]:
    """The relevance, and how many hard negatives gave way to positives."""
    hard = [[row for row in rows if row not in own] for own, rows in zip(positives, hard_negatives, strict=True)]
    relevance = Relevance.of([list(rows) for rows in positives], num_documents=num_documents, hard_negatives=hard)
    return relevance, sum(map(len, hard_negatives)) - sum(map(len, hard))


def _first(row: dict[object, object], names: tuple[str, ...]) -> tuple[str, object]:
    """The first of the names that holds something, and what."""
    given = [name for name in names if row.get(name) is not None]
    for name in given:
        if not all(map(_is_blank, _members(row[name]))):
            return name, row[name]
    raise RowError(f"{given[0]} is empty" if given else f"there is no {names[0]} (nor {' or '.join(names[1:])})")


def _texts(name: str, value: object) -> list[str]:
    """The texts of a text or a list of texts, without blank ones."""
    held = [text for text in _members(value) if not _is_blank(text)]
    texts = [text.strip() for text in held if isinstance(text, str)]
    if len(texts) < len(held):
        raise RowError(f"{name} is neither a text nor a list of texts")
    return texts


def _members(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
