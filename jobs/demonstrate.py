"""Write the demonstration corpus: our own prompts, with planted topics, loners, duplicates and bad rows.

From 20,000 rows on it follows the lengths and shares of a real collection, so that figures can be repeated anywhere.

Examples:
    python -m jobs.demonstrate --out demo/pairs.jsonl
    python -m jobs.demonstrate --out large.jsonl.gz --rows 276000
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import Any

from jobs.command import refuse_relative, run_job
from kat_ray.pairs.demonstration import DemonstrationConfig, write
from kat_ray.storage import Location


@dataclass(frozen=True, slots=True)
class DemonstrateOptions:
    """Where to, and how much."""

    out: str
    """JSONL file to write, gzipped when it ends in .gz."""
    rows: int = 3600
    """Rows to write, at least 400; bad ones and duplicates count."""
    seed: int = 7
    """Same seed, same bytes."""


def run(options: DemonstrateOptions) -> dict[str, Any]:
    """Write the file and count what was planted."""
    refuse_relative(options.out)
    report = write(Location(options.out), DemonstrationConfig(rows=options.rows, seed=options.seed))
    print(
        f"Wrote {report.rows:,} rows to {options.out}: {report.prompts:,} prompts, {report.rejected} bad rows, "
        f"{report.duplicates} duplicates.",
        file=sys.stderr,
    )
    return {"out": Location(options.out).shareable, **asdict(report)}


if __name__ == "__main__":
    raise SystemExit(run_job("demonstrate", DemonstrateOptions, run, __doc__))
