"""Lay embeddings out in 3D with the shared graph, or place new texts among the frozen prompts of a snapshot.

With --embeddings: reads embeddings.npy and the neighbor columns (a folder of compute_density), writes layout.npy.
With --onto: embeds the texts with the snapshot's encoder, finds their nearest prompts and writes a table with x, y, z,
the nearest prompts and the density percentile that each text has there; nothing of the snapshot moves.

Examples:
    python -m jobs.project --embeddings density --out density
    python -m jobs.project --onto store --texts generated.jsonl --out generated.parquet
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from jobs.command import run_job
from kat_ray.encoders.encoder import EncoderConfig, EncoderIdentity
from kat_ray.encoders.loading import identify_encoder
from kat_ray.engine.embedding import embed
from kat_ray.engine.prompts import make_prompts
from kat_ray.engine.scores import lay_out
from kat_ray.engine.session import Device, count_workers, require_shared, resolve_device, session
from kat_ray.engine.split_rows import PromptsConfig
from kat_ray.engine.tasks import run_task
from kat_ray.errors import InputError
from kat_ray.geometry.layout import LayoutConfig, place
from kat_ray.snapshot.columns import read_npy, read_table, write_parquet
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location


@dataclass(frozen=True, slots=True)
class ProjectOptions:
    """What is laid out, and where to."""

    out: str
    """Folder for layout.npy, or the Parquet file of the placed texts."""
    embeddings: str | None = None
    """A folder with embeddings.npy, neighbor_indices.npy and neighbor_distances.npy."""
    onto: str | None = None
    """A store or snapshot whose map stays as it is."""
    texts: str | None = None
    """With --onto: JSONL, JSONL.gz or Parquet rows with `prompt` or `prefix`."""
    encoder: str | None = None
    """With --onto: where the snapshot's encoder is, when its name alone does not tell (a checkpoint folder)."""
    n_neighbors: int = 15
    """Neighbors that decide a place."""
    min_dist: float = 0.1
    """Smallest distance between points of the layout."""
    seed: int = 42
    """Same seed, same layout."""
    device: Device = "auto"
    """auto takes GPUs when the cluster has some."""
    wait_seconds: float = 0.0
    """How long an autoscaler may take to bring the asked-for hardware."""
    address: str | None = None
    """Ray cluster to join; RAY_ADDRESS or an embedded one by default."""


def run(options: ProjectOptions) -> dict[str, Any]:
    """Lay out or place, and say how far the map can be trusted."""
    if (options.embeddings is None) == (options.onto is None) or (options.onto is None) != (options.texts is None):
        raise InputError("Give either --embeddings FOLDER, or --onto SNAPSHOT with --texts FILE.")
    with session(options.address):
        places = [options.embeddings, options.onto, options.texts, options.out]
        require_shared([Location(uri) for uri in places if uri is not None])
        device = resolve_device(options.device, options.wait_seconds)
        drawing = LayoutConfig(options.n_neighbors, options.min_dist, options.seed, device)
        if options.embeddings is not None:
            return {**_lay_out(Location(options.embeddings), Location(options.out), drawing), "out": options.out}
        return {**_place_texts(options, drawing), "out": options.out}


def _lay_out(source: Location, out: Location, drawing: LayoutConfig) -> dict[str, Any]:
    for name in ("embeddings.npy", "neighbor_indices.npy", "neighbor_distances.npy"):
        if not (source / name).exists():
            raise InputError(f"{source.uri} has no {name}; run python -m jobs.compute_density first.")
    (source / "layout.json").delete()
    quality = lay_out(source, drawing)
    (source / "layout.json").delete()
    if out.uri != source.uri:
        run_task(_move_layout, source, out)
    numbers = ", ".join(f"{name} {value:.3g}" for name, value in quality.items() if value is not None)
    print(f"Layout: {numbers}", file=sys.stderr)
    return {"diagnostics": quality}


def _move_layout(source: Location, out: Location) -> None:
    (out / "layout.npy").write_bytes((source / "layout.npy").read_bytes())
    (source / "layout.npy").delete()


def _place_texts(options: ProjectOptions, drawing: LayoutConfig) -> dict[str, Any]:
    snapshot = Snapshot.open(str(options.onto))
    identity = EncoderIdentity(**snapshot.manifest.encoder)
    config = EncoderConfig(
        spec=options.encoder or identity.name,
        device=drawing.device,
        precision=identity.precision,  # type: ignore[arg-type]
        pooling=identity.pooling if identity.name.startswith("checkpoint:") else "auto",  # type: ignore[arg-type]
        token_limit=identity.token_limit,
    )
    found = run_task(identify_encoder, config, num_gpus=int(drawing.device == "gpu"))
    if found.decisive() != identity.decisive():
        raise InputError(f"The encoder {config.spec} is {found}, but the snapshot was made with {identity}.")
    work = Location(f"{options.out}.work")
    text = snapshot.manifest.parameters["text"]
    summary = make_prompts([str(options.texts)], work, PromptsConfig(text, snapshot.manifest.parameters["dedupe_by"]))
    num_workers = count_workers(drawing.device)
    embed(work / "prompts.parquet", work, config, identity, work / "blocks", [snapshot.location], num_workers)
    run_task(_write_places, snapshot.location, work, Location(options.out), drawing)
    work.delete()
    return {"placed": summary.num_prompts, "rejected": summary.num_rejected, "snapshot_id": snapshot.snapshot_id}


def _write_places(folder: Location, work: Location, out: Location, drawing: LayoutConfig) -> None:
    """Worker: nearest old prompts of each new text, its place among them, and how crowded it is there."""
    from kat_ray.geometry.neighbors import search

    snapshot = Snapshot.open(folder)
    vectors = read_npy(work / "embeddings.npy")
    k = min(max(drawing.n_neighbors, snapshot.manifest.diagnostics["k"]), snapshot.num_prompts)
    unseen = np.full(len(vectors), -1, np.int64)
    nearest = search(vectors, unseen, snapshot.embeddings, 0, k, device=drawing.device)
    points = place(snapshot.layout, nearest.indices, nearest.distances, drawing)
    means = nearest.distances[:, : snapshot.manifest.diagnostics["k"]].mean(axis=1)
    percentile = np.searchsorted(np.sort(snapshot.density), 1.0 / (means + 1e-6)) / snapshot.num_prompts
    prompts = read_table(work / "prompts.parquet", ["id", "text", "source"])
    ids = [snapshot.ids.take(pa.array(row)).to_pylist() for row in nearest.indices]
    columns = {
        "x": points[:, 0],
        "y": points[:, 1],
        "z": points[:, 2],
        "density_percentile": percentile,
        "neighbor_ids": pa.array(ids, pa.list_(pa.string())),
        "neighbor_distances": pa.array(list(nearest.distances.astype(np.float32))),
    }
    table = pa.table({**{name: prompts[name] for name in prompts.column_names}, **columns})
    write_parquet(out, table.schema, iter([table]))


if __name__ == "__main__":
    raise SystemExit(run_job("project", ProjectOptions, run, __doc__))
