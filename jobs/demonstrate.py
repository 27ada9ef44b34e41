"""Write the demonstration corpus: our own prompts, with planted topics, loners, duplicates and bad rows.

From 20,000 rows on it follows the lengths and shares of a real collection, so that figures can be repeated anywhere.
With --model also a language model of two layers with random weights, to try a trainer on; with --queries questions and
their answers, to evaluate an encoder on.

Examples:
    python -m jobs.demonstrate --out demo/pairs.jsonl
    python -m jobs.demonstrate --out demo/pairs.jsonl --model demo/model
    python -m jobs.demonstrate --out demo/pairs.jsonl --queries demo/queries.jsonl
    python -m jobs.demonstrate --out large.jsonl.gz --rows 276000
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from jobs.command import refuse_relative, run_job
from kat_ray.pairs.demonstration import DemonstrationConfig, write
from kat_ray.pairs.exchanges import write_exchanges
from kat_ray.pairs.reader import SplitReader
from kat_ray.pairs.splits import plan_splits
from kat_ray.records import Pair, first_user_text
from kat_ray.storage import Location

TOKENIZER_ROWS = 1000
NUM_QUERIES = 500


@dataclass(frozen=True, slots=True)
class DemonstrateOptions:
    """Where to, and how much."""

    out: str
    """JSONL file to write, gzipped when it ends in .gz."""
    rows: int = 3600
    """Rows to write, at least 400; bad ones and duplicates count."""
    seed: int = 7
    """Same seed, same bytes."""
    model: str | None = None
    """Folder for the tiny model, where from_pretrained finds it."""
    queries: str | None = None
    """JSONL file for 500 questions with their answers."""


def run(options: DemonstrateOptions) -> dict[str, Any]:
    """Write the file and count what was planted."""
    refuse_relative(options.out, options.model, options.queries)
    report = write(Location(options.out), DemonstrationConfig(rows=options.rows, seed=options.seed))
    print(
        f"Wrote {report.rows:,} rows to {options.out}: {report.prompts:,} prompts, {report.rejected} bad rows, "
        f"{report.duplicates} duplicates.",
        file=sys.stderr,
    )
    if options.model is not None:
        _write_model(options)
    if options.queries is not None:
        write_exchanges(Location(options.queries), NUM_QUERIES, options.seed)
        print(f"Wrote {NUM_QUERIES} questions with answers to {options.queries}.", file=sys.stderr)
    summary = {"out": Location(options.out).shareable, **asdict(report)}
    return {**summary, "model": options.model, "queries": options.queries}


def _write_model(options: DemonstrateOptions) -> None:
    from kat_ray.training.tiny_model import write_tiny_model

    splits = plan_splits([options.out])
    pairs = (pair for split in splits for _, pair in SplitReader(split, "demo") if isinstance(pair, Pair))
    texts = (first_user_text(pair.messages) for pair in islice(pairs, TOKENIZER_ROWS))
    num_parameters = write_tiny_model(Path(str(options.model)), texts, options.seed)
    print(f"Wrote a model of {num_parameters:,} parameters to {options.model}.", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(run_job("demonstrate", DemonstrateOptions, run, __doc__))
