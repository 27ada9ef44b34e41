"""What one part of the benchmark found: figures, and reasons why none of them may count. Knows not of what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from benchmark.figures.measure import Measure


@dataclass(slots=True)
class Findings:
    """Figures, doubts, and what other parts reckon with. Doubts refuse every bar of the part."""

    measures: list[Measure] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def nothing(cls, part: str, reason: str) -> Findings:
        """A part that could not be measured: one bar, which fails."""
        return cls([Measure(part, "", 0.0, bar="measured", passed=False, note=reason)], [reason])

    def expect(self, holds: bool, sentence: str) -> None:
        """Note a doubt unless this holds."""
        if not holds and sentence not in self.doubts:
            self.doubts.append(sentence)

    def gate(self, measure: Measure) -> None:
        """Add a figure of quality with a bar: where it fails, nothing of the part holds."""
        self.measures.append(measure)
        self.expect(measure.passed is True, f"{measure.name}: {measure.ours:.4g} is not {measure.bar}.")

    def told(self) -> list[Measure]:
        """The figures, refused where there is a doubt."""
        return [one.refused([doubt for doubt in self.doubts if doubt not in one.note]) for one in self.measures]
