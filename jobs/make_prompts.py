"""Unique prompts and their pairs from preference pairs, with sources and counts.

Writes the tables prompts.parquet, pairs.parquet and rejects.parquet, and the seeds' files prompts_all.jsonl,
prefixes_all.jsonl, prompt_id_map.tsv, prefix_id_map.tsv and stats.txt.

Examples:
    python -m jobs.make_prompts --pairs pairs_all.jsonl --out data
    python -m jobs.make_prompts --pairs s3://team/pairs/ --out s3://team/prompts --dedupe-by conversation
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import pyarrow.parquet as pq

from jobs.command import run_job
from kat_ray.engine.prompts import make_prompts
from kat_ray.engine.session import require_shared, session
from kat_ray.engine.split_rows import PromptsConfig
from kat_ray.engine.tasks import run_task
from kat_ray.engine.work import clean_up, work_folder
from kat_ray.records import DedupeBy, TextRendering
from kat_ray.snapshot.prompt_files import write_prompt_files
from kat_ray.storage import Location


@dataclass(frozen=True, slots=True)
class MakePromptsOptions:
    """Which pairs, and what makes a prompt."""

    pairs: tuple[str, ...]
    """Files or folders of preference pairs (JSONL, JSONL.gz, Parquet), local or s3://, in order."""
    out: str
    """Folder or s3:// URI for the files."""
    dedupe_by: DedupeBy = "first_user"
    """What makes two rows the same prompt."""
    text: TextRendering | None = None
    """What will be embedded: first_user or conversation; by default what rows are told apart by."""
    source: str = "unknown"
    """Source of rows that name none in `src`."""
    max_samples: int | None = None
    """Use only the first rows, up to this many prompts."""
    address: str | None = None
    """Ray cluster to join; RAY_ADDRESS or an embedded one by default."""


def run(options: MakePromptsOptions) -> dict[str, Any]:
    """Run the stage and count; a killed run is continued."""
    out, inputs = Location(options.out), [Location(uri) for uri in options.pairs]
    config = PromptsConfig(options.text or options.dedupe_by, options.dedupe_by, options.max_samples, options.source)
    with session(options.address):
        require_shared([*inputs, out])
        work = work_folder(out, inputs, asdict(config))
        summary = make_prompts(options.pairs, work, config)
        run_task(_write_seeds_files, work, out)
        for name in ("prompts", "pairs", "rejects"):
            (work / f"{name}.parquet").move_to(out / f"{name}.parquet")
        clean_up(work, out)
    return {
        "rows": summary.rows,
        "prompts": summary.num_prompts,
        "complete_pairs": summary.num_complete_pairs,
        "single_reply_pairs": summary.num_single_reply_pairs,
        "bare_prompts": summary.num_bare_prompts,
        "sources": summary.sources,
        "out": out.shareable,
        "seconds": round(summary.seconds, 2),
    }


def _write_seeds_files(work: Location, out: Location) -> None:
    """Worker: one pass over the prompts, a row group at a time."""
    with (work / "prompts.parquet").open_input() as stream:
        file = pq.ParquetFile(stream)
        write_prompt_files((file.read_row_group(group) for group in range(file.num_row_groups)), out)


if __name__ == "__main__":
    raise SystemExit(run_job("make_prompts", MakePromptsOptions, run, __doc__))
