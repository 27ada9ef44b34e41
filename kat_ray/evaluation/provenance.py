"""What the numbers of an evaluation come from, for whoever reads them later.

Knows names and dates; nothing of numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from kat_ray.version import program_version


@dataclass(frozen=True, slots=True)
class Provenance:
    """Data, encoders and program of one evaluation."""

    data: str
    """Name of the file, without its folders."""
    seed: int
    """Of the maps and of drawn prompts."""
    origins: Mapping[str, str]
    """By the name of each encoder: its whole spec or path, without credentials."""
    notices: tuple[str, ...]
    """What was left out, and why."""
    made: str
    """Date and time (UTC)."""
    version: str
    """Of KAT-Ray."""

    @classmethod
    def now(cls, data: str, seed: int, origins: Mapping[str, str], notices: tuple[str, ...] = ()) -> Provenance:
        """Of this program at this time."""
        return cls(data, seed, origins, notices, f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}", program_version())

    def lines(self) -> Iterator[tuple[str, str]]:
        """Name and content of what a card and a page say of it; folders, which may tell of people, only JSON has."""
        yield "evaluated on", self.data
        yield "made", f"{self.made}, KAT-Ray {self.version}, seed {self.seed}"
        for notice in self.notices:
            yield "note", notice

    def as_dict(self) -> dict[str, Any]:
        """In the types of JSON."""
        return asdict(self)
