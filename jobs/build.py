"""From preference pairs to a published snapshot, the whole line in one job.

A broken run is continued by running the same command again.

Examples:
    python -m jobs.build --pairs pairs.jsonl.gz --out store
    python -m jobs.build --pairs s3://team/pairs/ --out s3://team/store --target-ess 0.5
    ray job submit --working-dir . -- python -m jobs.build --pairs s3://team/pairs/ --out s3://team/store
"""

from __future__ import annotations

import sys
from typing import Any

from jobs.command import run_job
from kat_ray.engine.build import build
from kat_ray.engine.build_options import BuildConfig


def run(options: BuildConfig) -> dict[str, Any]:
    """Build, show the card, and return the keys of the summary line."""
    result = build(options)
    print(result.card, file=sys.stderr)
    if result.published.status == "recognized":
        print("An equal snapshot was already in the store; nothing was built.", file=sys.stderr)
    if result.published.status == "kept_first":
        columns = ", ".join(result.published.differing)
        print(f"The store has this id with other {columns}; the first one was kept.", file=sys.stderr)
    return result.as_summary()


if __name__ == "__main__":
    raise SystemExit(run_job("build", BuildConfig, run, __doc__))
