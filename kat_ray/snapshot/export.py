"""A snapshot in the formats of the seeds and of other tools.

Each file appears whole or not at all, and every format streams: memory holds one block of prompts, except for the
tensor file, which holds all vectors once. Knows which files make a format; what is in them stands in their modules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches

from kat_ray.errors import InputError
from kat_ray.snapshot.embedding_files import write_pt
from kat_ray.snapshot.point_file import write_points
from kat_ray.snapshot.prompt_files import write_prompt_files
from kat_ray.snapshot.seeds_files import write_vectors
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.viewer_file import write_viewer_table
from kat_ray.storage import Location


def export(snapshot: Snapshot, out: Location, formats: Sequence[str]) -> list[str]:
    """Write formats into a folder and return the names of the files, in the order written.

    "seeds": embeddings.npy, density_weights.npy, ids.json, embeddings_metadata.json, embeddings_3d.json,
    prompts_all.jsonl, prefixes_all.jsonl, prompt_id_map.tsv, prefix_id_map.tsv, stats.txt. "pt": embeddings.pt.
    "parquet": points.parquet.

    Raises:
        InputError: a format is unknown.
    """
    for name in formats:
        if name not in FORMATS:
            nearest = get_close_matches(name, FORMATS, 1)
            hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
            raise InputError(f"There is no export format {name!r}; known are {', '.join(FORMATS)}.{hint}")
    return [file for name in formats for file in FORMATS[name](snapshot, out)]


def _write_seeds(snapshot: Snapshot, out: Location) -> list[str]:
    prompts = (table for _, table in snapshot.prompt_blocks())
    return [*write_vectors(snapshot, out), write_points(snapshot, out), *write_prompt_files(prompts, out)]


def _write_tensors(snapshot: Snapshot, out: Location) -> list[str]:
    write_pt(out / "embeddings.pt", snapshot.ids.to_pylist(), snapshot.embeddings)
    return ["embeddings.pt"]


def _write_table(snapshot: Snapshot, out: Location) -> list[str]:
    return [write_viewer_table(snapshot, out)]


FORMATS: dict[str, Callable[[Snapshot, Location], list[str]]] = {
    "seeds": _write_seeds,
    "pt": _write_tensors,
    "parquet": _write_table,
}
