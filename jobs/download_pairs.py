"""Download preference pairs from the hub into one JSONL file: HH-RLHF, UltraFeedback, Stack Exchange.

Streams, goes on where a broken run stopped, and publishes the file whole.

Examples:
    python -m jobs.download_pairs --out pairs_all.jsonl --max-pairs-per-source 100000
    python -m jobs.download_pairs --only hh
    python -m jobs.download_pairs --no-se --out pairs_all.jsonl.gz
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from jobs.command import refuse_relative, run_job
from kat_ray.pairs.download import DownloadConfig, download_pairs


def run(options: DownloadConfig) -> dict[str, Any]:
    """Download, and count pairs by source and dropped rows by reason."""
    refuse_relative(options.out)
    report = download_pairs(options, say=_say)
    if report.warning:
        _say(report.warning)
    _say(f"Wrote {report.pairs:,} pairs to {report.out}.")
    return asdict(report)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(run_job("download_pairs", DownloadConfig, run, __doc__))
