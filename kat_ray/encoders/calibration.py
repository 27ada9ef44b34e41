"""Texts that set the ranges of an int8 model: written by the demonstration corpus, the same for everyone."""

from __future__ import annotations

from random import Random

from kat_ray.pairs.sentences import question, statement
from kat_ray.pairs.specimens import HOSTILE, ISOLATED, OTHER_SCRIPTS
from kat_ray.pairs.topics import TOPICS

_NUM_TEXTS = 512


def calibration_texts() -> list[str]:
    """512 texts: half of them questions with some background, a quarter rare topics and scripts, a quarter hostile."""
    rng, unusual = Random(1), ISOLATED + OTHER_SCRIPTS
    texts = []
    for number in range(_NUM_TEXTS):
        topic = TOPICS[number % len(TOPICS)]
        background = [statement(topic, rng) for _ in range(rng.choice((0, 0, 1, 4)))]
        ordinary = " ".join([question(topic, rng), *background])
        texts.append((ordinary, ordinary, rng.choice(unusual), rng.choice(HOSTILE))[number % 4])
    return texts
