"""Questions and answers that an encoder can be evaluated on, written by a seed."""

from __future__ import annotations

from pathlib import Path

import orjson

from kat_ray.pairs.exchanges import write_exchanges
from kat_ray.storage import Location


def _written(path: Path, count: int = 240, seed: int = 7) -> bytes:
    write_exchanges(Location(str(path)), count, seed)
    return path.read_bytes()


def test_every_text_comes_once_and_an_answer_has_more_words_of_its_question_than_the_near_miss(tmp_path: Path) -> None:
    rows = [orjson.loads(line) for line in _written(tmp_path / "q.jsonl").splitlines()]
    assert [list(row) for row in rows] == [["query", "pos", "hard_neg"]] * 240
    assert len({text for row in rows for text in row.values()}) == 3 * 240
    query, answer, near_miss = ([set(row[name].lower().split()) for row in rows] for name in rows[0])
    shared = [len(words & right) for words, right in zip(query, answer, strict=True)]
    missed = [len(words & wrong) for words, wrong in zip(query, near_miss, strict=True)]
    assert sum(shared) > 1.2 * sum(missed)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first = _written(tmp_path / "first.jsonl", 50)
    assert _written(tmp_path / "second.jsonl", 50) == first != _written(tmp_path / "third.jsonl", 50, seed=8)
