"""Write a snapshot in the formats of other tools.

    seeds    the files of the nanochat scripts that this project grew from: embeddings.npy, density_weights.npy,
             ids.json, embeddings_metadata.json, embeddings_3d.json, prompts_all.jsonl, prefixes_all.jsonl, their id
             maps, stats.txt
    pt       embeddings.pt: {"ids", "emb"}
    parquet  one file that embedding-atlas, DuckDB, pandas and datasets open unchanged

Examples:
    python -m jobs.export --snapshot store --out exported
    python -m jobs.export --snapshot s3://team/store --out exported --formats parquet
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jobs.command import refuse_relative, run_job
from kat_ray.snapshot.export import FORMATS, export
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What to write, and where."""

    snapshot: str
    """A store (its current snapshot) or one snapshot: a folder or s3:// URI."""
    out: str
    """Folder or s3:// URI for the files."""
    formats: str = ",".join(FORMATS)
    """Comma-separated: seeds, pt, parquet."""


def run(options: ExportOptions) -> dict[str, Any]:
    """Write the files and name them."""
    refuse_relative(options.snapshot, options.out)
    snapshot = Snapshot.open(options.snapshot)
    formats = [name.strip() for name in options.formats.split(",") if name.strip()]
    files = export(snapshot, Location(options.out), formats)
    return {"snapshot_id": snapshot.snapshot_id, "out": Location(options.out).shareable, "files": sorted(files)}


if __name__ == "__main__":
    raise SystemExit(run_job("export", ExportOptions, run, __doc__))
