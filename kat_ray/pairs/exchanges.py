"""Questions with their answers, of the topics of the demonstration corpus: something to evaluate an encoder on.

Rows have `query`, `pos` and `hard_neg`, an answer of the same words about another thing. Knows nothing of encoders.
"""

from __future__ import annotations

from random import Random

import orjson

from kat_ray.pairs.output import open_jsonl
from kat_ray.pairs.sentences import exchange
from kat_ray.pairs.topics import TOPICS
from kat_ray.storage import Location


def write_exchanges(location: Location, count: int, seed: int) -> None:
    """Write `count` rows as JSONL, one of each topic in turn; no question and no answer comes twice."""
    rng, seen = Random(seed), set[str]()
    with open_jsonl(location) as target:
        for number in range(count):
            texts = _new(number, rng, seen)
            target.write(orjson.dumps(dict(zip(("query", "pos", "hard_neg"), texts, strict=True))) + b"\n")


def _new(number: int, rng: Random, seen: set[str]) -> tuple[str, str, str]:
    while True:
        texts = exchange(TOPICS[number % len(TOPICS)], rng)
        if seen.isdisjoint(texts):
            seen.update(texts)
            return texts
