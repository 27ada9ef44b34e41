"""Measure how fast it is, each figure against what a user would do instead, in one run: a table, and JSON.

A bar holds only if what was measured is right: same points, same answers. The exit code is 1 when one does not hold.

Examples:
    python -m jobs.benchmark --only map --snapshot store
    python -m jobs.benchmark --only map --snapshot demo/store --json benchmark.json
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from jobs.command import UnmetError, refuse_relative, run_job
from kat_ray.errors import InputError
from kat_ray.storage import Location

if TYPE_CHECKING:
    from benchmark.measure import Measure

Part = Literal["map"]
PARTS: tuple[Part, ...] = ("map",)


@dataclass(frozen=True, slots=True)
class BenchmarkOptions:
    """What is measured, and on what."""

    only: tuple[Part, ...] = PARTS
    """Parts that are measured; all by default."""
    snapshot: str | None = None
    """A store (its current snapshot) or one snapshot: what the map shows."""
    json: str | None = None
    """File for the figures, with machine, versions and commit."""


def run(options: BenchmarkOptions) -> dict[str, Any]:
    """Measure the parts in turn; the summary line says how many bars hold.

    Raises:
        UnmetError: a bar does not hold; the line names those that do not, and the file is written all the same.
    """
    refuse_relative(options.snapshot, options.json)
    from benchmark.machine import describe_machine
    from benchmark.measure import render

    machine, start = describe_machine(), time.perf_counter()
    parts = {part: _measure(part, options) for part in dict.fromkeys(options.only)}
    for part, measures in parts.items():
        print(f"\n{part}\n{render(measures)}", file=sys.stderr)
    if options.json is not None:
        figures = {part: [asdict(one) for one in measures] for part, measures in parts.items()}
        content = {"machine": machine, "seconds": time.perf_counter() - start, "parts": figures}
        Location(options.json).write_bytes(json.dumps(content, indent=1).encode())
    return _summary([one for measures in parts.values() for one in measures], options)


def _summary(measures: list[Measure], options: BenchmarkOptions) -> dict[str, Any]:
    bars = [one for one in measures if one.passed is not None]
    failed = [one.name for one in bars if not one.passed]
    told = {"bars": len(bars), "held": len(bars) - len(failed), "failed": failed}
    summary = {"parts": list(dict.fromkeys(options.only)), **told, "json": options.json}
    if failed:
        raise UnmetError(f"{len(failed)} of {len(bars)} bars do not hold: {', '.join(failed)}.", summary)
    return summary


def _measure(part: Part, options: BenchmarkOptions) -> list[Measure]:
    if options.snapshot is None:
        raise InputError(f"The part {part} needs a snapshot to show: --snapshot STORE, as jobs.build makes it.")
    try:
        from benchmark.map import measure_map
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is not installed; run: pip install 'kat-ray[benchmark]'") from error
    return measure_map(options.snapshot)


if __name__ == "__main__":
    raise SystemExit(run_job("benchmark", BenchmarkOptions, run, __doc__))
