"""How much of the corpus each part takes: the defaults of a full run, and a place for tests to make them small."""

from __future__ import annotations

import os
from dataclasses import dataclass


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rows, prompts and seconds. Baselines on samples are extrapolated, and their notes say so."""

    rows: int = 276_000
    """Rows of the generated corpus, where no pairs are given: as many as a real collection has."""
    encoded: int = 16_384
    """Prompts that encoders are compared on; linear."""
    compared: int = 4_096
    """Of these, prompts among which neighbors are compared."""
    brute: int = 40_000
    """Rows of brute force; quadratic."""
    seeded: int = 40_000
    """Rows of the seeded layout of the plain recipe; linear."""
    truth: int = 500
    """Rows whose neighbors are looked for in float64 among all."""
    minute: int = 17_000
    """Prompts a core that take about a minute to build."""
    small: int = 1_000
    """Prompts of the build whose memory counts as nothing."""
    grown: float = 0.01
    """Share of rows that a grown corpus has more."""
    draws: int = 1_000_000
    """Rows of one draw."""
    lookups: int = 10_000
    """Ids of one request."""
    load_seconds: float = 5.0
    """Of each kind of request."""
