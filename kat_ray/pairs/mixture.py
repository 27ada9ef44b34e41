"""How much of each kind of row the demonstration corpus holds, and in what order.

Knows numbers only. Two mixtures: short rows for a first look, and the proportions of a real collection.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from random import Random

from kat_ray.pairs.specimens import BAD_LINES, HOSTILE, ISOLATED, OTHER_SCRIPTS

_PLAIN_HEAD = 50
_BLANK_LINES = 6
_ROWS_PER_BAD_LINE = 2_000


@dataclass(frozen=True, slots=True)
class Lengths:
    """A distribution of text lengths in characters, by quantiles; between two of them it is log-linear."""

    quantiles: tuple[float, ...]
    characters: tuple[int, ...]

    def draw(self, rng: Random) -> int:
        """One length."""
        level = rng.random()
        upper = min(bisect_right(self.quantiles, level), len(self.quantiles) - 1)
        low, high = self.quantiles[upper - 1], self.quantiles[upper]
        part = (level - low) / (high - low)
        start, stop = math.log(self.characters[upper - 1]), math.log(self.characters[upper])
        return round(math.exp(start + part * (stop - start)))


@dataclass(frozen=True, slots=True)
class Mixture:
    """Shares of rows by kind (`kinds`; the rest are fresh topics), by turns and by replies, and lengths.

    cuts: whether a sentence that is longer than the drawn length is cut.
    """

    kinds: dict[str, float]
    several_turns: float
    one_reply: float
    no_reply: float
    prompt_lengths: Lengths
    reply_lengths: Lengths
    cuts: bool


SHORT = Mixture(
    kinds={"near duplicate": 0.05, "respaced": 0.01, "other reply": 0.05, "reopened": 0.03, "exact duplicate": 0.03},
    several_turns=0.06,
    one_reply=0.25,
    no_reply=0.02,
    prompt_lengths=Lengths((0.0, 0.1, 0.5, 0.9, 1.0), (25, 45, 80, 200, 600)),
    reply_lengths=Lengths((0.0, 0.1, 0.5, 0.9, 1.0), (40, 60, 120, 250, 500)),
    cuts=False,
)
REAL = Mixture(
    kinds={
        "near duplicate": 0.01,
        "respaced": 0.001,
        "other reply": 0.068,
        "reopened": 0.012,
        "exact duplicate": 0.002,
    },
    several_turns=0.066,
    one_reply=0.8,
    no_reply=0.002,
    prompt_lengths=Lengths(
        (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999, 1.0),
        (12, 24, 33, 39, 51, 78, 155, 369, 766, 1679, 2237, 3532, 8176, 17161, 27586),
    ),
    reply_lengths=Lengths(
        (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0),
        (1, 3, 12, 57, 250, 730, 1436, 3098, 7358, 16098, 27048),
    ),
    cuts=True,
)
"""Quantiles of 270,029 real pairs of 53 public sources."""


def plan(mixture: Mixture, rows: int, rng: Random) -> list[str]:
    """The kind of each line, blank ones added to `rows`: plain topics first, then everything mixed."""
    kinds = ["isolated"] * len(ISOLATED) + ["other script"] * len(OTHER_SCRIPTS) + ["hostile"] * len(HOSTILE)
    kinds += ["bad"] * max(len(BAD_LINES), rows // _ROWS_PER_BAD_LINE)
    for kind, share in mixture.kinds.items():
        kinds += [kind] * round(share * rows)
    kinds += ["topic"] * (rows - _PLAIN_HEAD - len(kinds)) + ["blank"] * _BLANK_LINES
    rng.shuffle(kinds)
    return ["topic"] * _PLAIN_HEAD + kinds
