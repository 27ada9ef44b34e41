"""The demonstration corpus holds what its report says, and its planted structure is real to an encoder."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.loading import load_encoder
from kat_ray.errors import InputError
from kat_ray.pairs.composer import SOURCES
from kat_ray.pairs.demonstration import DemonstrationConfig, DemonstrationReport, write
from kat_ray.pairs.keys import pair_key, prompt_key
from kat_ray.pairs.linking import Links, link
from kat_ray.pairs.reader import SplitReader
from kat_ray.pairs.specimens import BAD_LINES, HOSTILE, ISOLATED, OTHER_SCRIPTS
from kat_ray.pairs.splits import plan_splits
from kat_ray.records import Pair, first_user_text, prompt_id
from kat_ray.storage import Location


def write_to(path: Path, **options: Any) -> DemonstrationReport:
    return write(Location(str(path)), DemonstrationConfig(**options))


def outcomes(path: Path) -> list[Pair | str]:
    return [outcome for split in plan_splits([str(path)]) for _, outcome in SplitReader(split, "own")]


def linked(pairs: list[Pair]) -> Links:
    prompts = np.array([prompt_key(pair, "first_user") for pair in pairs], dtype=np.uint64)
    keys = np.frombuffer(b"".join(map(pair_key, pairs)), dtype="<u8").reshape(-1, 2)
    sources = np.array([SOURCES.index(pair.source) for pair in pairs], dtype=np.int32)
    return link(prompts, keys, sources, np.array([pair.is_complete for pair in pairs]))


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows with a planted label, by plain JSON."""
    for line in path.read_bytes().split(b"\n"):
        if b'"planted"' in line:
            yield orjson.loads(line)


def text_of(row: dict[str, Any]) -> str:
    return str(row["prompt"] if "prompt" in row else row["prefix"]["messages"][0]["content"])


@pytest.mark.parametrize("options", [{}, {"rows": 400, "seed": 1}, {"rows": 5_000, "lengths": "real"}])
def test_reader_and_links_find_exactly_what_the_report_says(tmp_path: Path, options: dict[str, Any]) -> None:
    report = write_to(tmp_path / "x.jsonl", **options)
    found = outcomes(tmp_path / "x.jsonl")
    pairs = [outcome for outcome in found if isinstance(outcome, Pair)]
    links = linked(pairs)
    accepted = [pair for pair, is_pair in zip(pairs, links.is_pair, strict=True) if is_pair]
    assert report.rows == len(found) == report.accepted + report.rejected + report.duplicates
    assert report.lines == (tmp_path / "x.jsonl").read_bytes().count(b"\n") == report.rows + report.blank_lines
    assert (report.accepted, report.duplicates) == (len(accepted), len(pairs) - len(accepted))
    assert report.prompts == links.num_pairs.size
    assert report.conversations == len({prompt_key(pair, "conversation") for pair in pairs})
    assert report.complete == links.num_complete_pairs.sum()
    assert report.single_reply == sum((pair.chosen is None) != (pair.rejected is None) for pair in accepted)
    assert report.multi_turn == sum(len(pair.messages) > 1 for pair in accepted)


def test_the_default_corpus_has_every_planted_part(tmp_path: Path) -> None:
    report = write_to(tmp_path / "x.jsonl")
    labels = Counter(row["planted"].partition(" ")[0] for row in rows(tmp_path / "x.jsonl"))
    assert min(report.planted.values()) >= 6
    assert report.rows - report.rejected == labels.total()
    assert 3_000 <= report.prompts <= 3_500
    assert {row["src"] for row in rows(tmp_path / "x.jsonl")} == set(SOURCES)
    texts = {text_of(row) for row in rows(tmp_path / "x.jsonl")}
    assert texts.issuperset((*ISOLATED, *OTHER_SCRIPTS, *HOSTILE))


def test_sizes_of_topics_fall_off_so_that_a_few_are_crowded(tmp_path: Path) -> None:
    write_to(tmp_path / "x.jsonl")
    sizes = Counter(row["planted"] for row in rows(tmp_path / "x.jsonl") if row["planted"].startswith("topic"))
    ordered = [size for _, size in sizes.most_common()]
    assert len(ordered) == 24
    assert ordered[0] > 15 * ordered[-1]
    assert sum(ordered[:3]) > 0.4 * sum(ordered)


def test_near_duplicates_have_another_id_and_respaced_ones_the_same(tmp_path: Path) -> None:
    write_to(tmp_path / "x.jsonl")
    seen: set[str | None] = set()
    for row in rows(tmp_path / "x.jsonl"):
        known = prompt_id(text_of(row)) in seen
        if row["planted"] in ("respaced", "other reply", "reopened", "exact duplicate"):
            assert known, row["planted"]
        else:
            assert not known, row["planted"]
        seen.add(prompt_id(text_of(row)))


def test_each_bad_line_is_rejected_and_no_two_share_a_line(tmp_path: Path) -> None:
    assert len(set(BAD_LINES)) == len(BAD_LINES)
    (tmp_path / "x.jsonl").write_bytes(b"\n".join((b'{"prompt": "good"}', *BAD_LINES)))
    good, *bad = outcomes(tmp_path / "x.jsonl")
    assert isinstance(good, Pair)
    assert [type(outcome) for outcome in bad] == [str] * len(BAD_LINES)


def test_hostile_texts_come_back_unchanged(tmp_path: Path) -> None:
    write_to(tmp_path / "x.jsonl")
    texts = {
        first_user_text(outcome.messages) for outcome in outcomes(tmp_path / "x.jsonl") if isinstance(outcome, Pair)
    }
    assert texts.issuperset(HOSTILE)


def test_a_seed_fixes_every_byte(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl", "c.jsonl.gz", "d.jsonl.gz"):
        write_to(tmp_path / name, rows=500)
    write_to(tmp_path / "other.jsonl", rows=500, seed=8)
    plain = (tmp_path / "a.jsonl").read_bytes()
    assert (tmp_path / "b.jsonl").read_bytes() == plain
    assert (tmp_path / "c.jsonl.gz").read_bytes() == (tmp_path / "d.jsonl.gz").read_bytes()
    assert gzip.decompress((tmp_path / "c.jsonl.gz").read_bytes()) == plain
    assert (tmp_path / "other.jsonl").read_bytes() != plain


def test_real_lengths_follow_the_measured_quantiles(tmp_path: Path) -> None:
    report = write_to(tmp_path / "x.jsonl", rows=30_000)
    pairs = [outcome for outcome in outcomes(tmp_path / "x.jsonl") if isinstance(outcome, Pair)]
    texts = {prompt_key(pair, "first_user"): first_user_text(pair.messages) for pair in pairs}
    lengths = np.array([len(text) for text in texts.values() if text not in HOSTILE])
    measured = np.quantile(lengths, [0.25, 0.5, 0.75, 0.95, 0.99])
    assert np.abs(measured / [51, 78, 155, 766, 2237] - 1).max() < 0.15, measured
    assert lengths.max() > 5_000
    assert report.single_reply / report.rows == pytest.approx(0.8, abs=0.01)
    assert report.multi_turn / report.rows == pytest.approx(0.075, abs=0.01)
    assert report.prompts / report.rows == pytest.approx(253 / 276, abs=0.01)


@pytest.mark.long
def test_the_large_corpus_has_the_size_of_a_real_collection(tmp_path: Path) -> None:
    report = write_to(tmp_path / "x.jsonl.gz", rows=276_000)
    assert report.rows == 276_000
    assert report.prompts == pytest.approx(253_000, rel=0.01)
    assert report.multi_turn == pytest.approx(21_000, rel=0.1)


def test_isolated_prompts_are_farther_from_all_others_than_crowded_ones(tmp_path: Path) -> None:
    write_to(tmp_path / "x.jsonl", rows=600)
    texts = {text_of(row): row["planted"] for row in rows(tmp_path / "x.jsonl")}
    kept = {text: label for text, label in texts.items() if label in ("isolated", "topic cooking")}
    encoder = load_encoder(EncoderConfig(device="cpu"))
    vectors = encoder.encode(encoder.tokenize(list(kept)))
    similarities = np.sort(vectors @ vectors.T - 2 * np.eye(len(kept)), axis=1)[:, -5:].mean(axis=1)
    isolated = np.array([label == "isolated" for label in kept.values()])
    assert isolated.sum() == 60
    assert np.quantile(similarities[isolated], 0.9) < np.quantile(similarities[~isolated], 0.1)


def test_a_corpus_too_small_for_what_is_planted_is_refused() -> None:
    with pytest.raises(InputError, match="got 399 rows, expected at least 400"):
        DemonstrationConfig(rows=399)
