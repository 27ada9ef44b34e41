"""One figure of the benchmark: ours, what it is compared with, the bar, and whether it holds. Knows not of what."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

_WIDTH = 88
_NOTE_INDENT = 4


@dataclass(frozen=True, slots=True)
class Measure:
    """Example: Measure.less("pick", "ms", 1.5, 40.0, times=5)"""

    name: str
    unit: str
    ours: float
    theirs: float | None = None
    """The same of what a user would do instead; None where there is nothing to compare with."""
    ratio: float | None = None
    """How many times better ours is; None also where ours is nothing at all."""
    bar: str = ""
    passed: bool | None = None
    """None where the figure is only stated."""
    note: str = ""

    @classmethod
    def less(
        cls, name: str, unit: str, ours: float, theirs: float, times: float | None = None, note: str = ""
    ) -> Measure:
        """Of which less is better; the bar is theirs / ours >= `times`."""
        ratio = theirs / ours if ours else None
        bar = "" if times is None else f">= {times:g}x"
        return cls(name, unit, ours, theirs, ratio, bar, None if times is None else theirs >= times * ours, note)

    @classmethod
    def at_most(cls, name: str, unit: str, ours: float, limit: float, note: str = "") -> Measure:
        """With a bar of its own: ours <= `limit`."""
        return cls(name, unit, ours, bar=f"<= {limit:g}", passed=ours <= limit, note=note)

    @classmethod
    def at_least(cls, name: str, unit: str, ours: float, limit: float, note: str = "") -> Measure:
        """With a bar of its own: ours >= `limit`."""
        return cls(name, unit, ours, bar=f">= {limit:g}", passed=ours >= limit, note=note)

    def refused(self, reasons: Sequence[str]) -> Measure:
        """The same, not passed when there is any reason: nothing holds that was not done right."""
        if not reasons or self.passed is None:
            return self
        return replace(self, passed=False, note=" ".join((*reasons, self.note)).strip())


def render(measures: Sequence[Measure]) -> str:
    """A table of 88 columns, each note below its row."""
    lines = [_row("measure", "ours", "theirs", "ratio", "bar", ""), "-" * _WIDTH]
    for one in measures:
        theirs = "" if one.theirs is None else f"{_number(one.theirs)} {one.unit}"
        ratio = "" if one.ratio is None else f"{_number(one.ratio)}x"
        told = {None: "", True: "holds", False: "FAILS"}[one.passed]
        lines.append(_row(one.name, f"{_number(one.ours)} {one.unit}", theirs, ratio, one.bar, told))
        indent = " " * _NOTE_INDENT
        lines += textwrap.wrap(one.note, _WIDTH, initial_indent=indent, subsequent_indent=indent)
    return "\n".join(lines)


def _row(name: str, ours: str, theirs: str, ratio: str, bar: str, told: str) -> str:
    return f"{name:<36}{ours:>13}{theirs:>13}{ratio:>9}  {bar:<10}{told}".rstrip()


def _number(value: float) -> str:
    """Three digits that count, and no less than the whole part; of what is almost 1 those that set it apart from it."""
    if 0.9 < value < 1:
        return f"{value:.4f}"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
