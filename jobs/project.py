"""Lay embeddings out in 3D with the shared graph, or place new texts among the frozen prompts of a snapshot.

With --embeddings: reads embeddings.npy and the neighbor columns (a folder of compute_density), writes layout.npy.
With --onto: embeds the texts with the snapshot's encoder, finds their nearest prompts and writes a table, one row a
text, with x, y, z, the nearest prompts and the density percentile that it has there; nothing of the snapshot moves.

Examples:
    python -m jobs.project --embeddings density --out density
    python -m jobs.project --onto store --texts generated.jsonl --out generated.parquet
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from jobs.command import run_job
from kat_ray.encoders.encoder import EncoderConfig, EncoderIdentity
from kat_ray.encoders.loading import identify_encoder
from kat_ray.encoders.spec import anchored_spec, checkpoint_files, shown_spec
from kat_ray.engine.embedding import embed
from kat_ray.engine.hardware import resolve_hardware
from kat_ray.engine.scores import lay_out
from kat_ray.engine.session import Device, count_workers, require_shared, session
from kat_ray.engine.tasks import run_task
from kat_ray.engine.texts import read_texts
from kat_ray.engine.work import clean_up, work_folder
from kat_ray.errors import InputError
from kat_ray.geometry.layout import LayoutConfig, place
from kat_ray.geometry.weights import WeightConfig, crowding_of
from kat_ray.pairs.reader import commonest
from kat_ray.snapshot.columns import read_npy, read_npy_header, read_table, write_parquet
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

    @property
    def drawing(self) -> LayoutConfig:
        """The options of the layout, before its hardware is known."""
        return LayoutConfig(self.n_neighbors, self.min_dist, self.seed)


def run(options: ProjectOptions) -> dict[str, Any]:
    """Lay out or place, and say how far the map can be trusted."""
    if (options.embeddings is None) == (options.onto is None) or (options.onto is None) != (options.texts is None):
        raise InputError("Give either --embeddings FOLDER, or --onto SNAPSHOT with --texts FILE.")
    with session(options.address):
        places = [options.embeddings, options.onto, options.texts, options.out]
        checkpoints = checkpoint_files(options.encoder or "")
        require_shared([Location(uri) for uri in (*places, *checkpoints) if uri is not None])
        if options.embeddings is not None:
            return _lay_out(options, Location(options.embeddings), Location(options.out))
        return _place_texts(options, Location(str(options.texts)), Location(options.out))


def _lay_out(options: ProjectOptions, columns: Location, out: Location) -> dict[str, Any]:
    needed = [columns / name for name in ("embeddings.npy", "neighbor_indices.npy", "neighbor_distances.npy")]
    for file in needed:
        if not file.exists():
            raise InputError(f"{columns} has no {file.name}; run python -m jobs.compute_density first.")
    stored_k = read_npy_header(needed[1]).shape[1]
    num_prompts = read_npy_header(needed[0]).shape[0]
    if stored_k < min(options.n_neighbors, num_prompts) - 1:
        raise InputError(
            f"The graph in {columns} has {stored_k} neighbors, the layout needs {options.n_neighbors - 1}; run "
            f"python -m jobs.compute_density with --stored-k {options.n_neighbors}."
        )
    device = resolve_hardware(options.device, ("layout",), options.wait_seconds)
    work = work_folder(out, needed, asdict(replace(options.drawing, device="cpu")))
    prompts = columns / "prompts.parquet"
    quality = lay_out(columns, prompts if prompts.exists() else None, work, replace(options.drawing, device=device))
    (work / "layout.npy").move_to(out / "layout.npy")
    clean_up(work, out)
    numbers = ", ".join(f"{name} {value:.3g}" for name, value in quality.items() if value is not None)
    print(f"Layout: {numbers}", file=sys.stderr)
    return {"diagnostics": quality, "out": out.shareable}


def _place_texts(options: ProjectOptions, texts: Location, out: Location) -> dict[str, Any]:
    snapshot = Snapshot.open(str(options.onto))
    identity = EncoderIdentity(**snapshot.manifest.encoder)
    device = resolve_hardware(options.device, ("encoder", "neighbors"), options.wait_seconds)
    config = EncoderConfig(
        spec=anchored_spec(options.encoder or identity.name),
        device=device,
        precision=identity.precision,  # type: ignore[arg-type]
        pooling=identity.pooling if identity.name.startswith("checkpoint:") else "auto",  # type: ignore[arg-type]
        token_limit=identity.token_limit,
    )
    found = run_task(identify_encoder, config, num_gpus=int(device == "gpu"))
    if found.decisive() != identity.decisive():
        spec = shown_spec(config.spec)
        raise InputError(f"The encoder {spec} is {found}, but the snapshot was made with {identity}.")
    parent = out.beside(".parts")
    work = work_folder(parent, [texts], {"snapshot_id": snapshot.snapshot_id})
    table = work / "texts.parquet"
    num_rows, refused = run_task(read_texts, [str(options.texts)], table, snapshot.manifest.parameters["text"])
    num_workers = count_workers(device)
    embed(table, work, config, identity, work / "blocks", [snapshot.folder_of("embeddings")], num_workers)
    run_task(_write_places, snapshot.location, work, out, replace(options.drawing, device=device))
    parent.delete()
    print(f"Placed {num_rows:,} texts among {snapshot.num_prompts:,} prompts.", file=sys.stderr)
    if refused:
        print(f"Refused rows: {commonest(refused)}.", file=sys.stderr)
    return {"placed": num_rows, "rejected": refused.total(), "snapshot_id": snapshot.snapshot_id, "out": out.shareable}


def _write_places(folder: Location, work: Location, out: Location, drawing: LayoutConfig) -> None:
    """Worker: nearest old prompts of each new text, its place among them, and how crowded it is there."""
    from kat_ray.geometry.neighbors import search

    snapshot = Snapshot.open(folder)
    parameters, k = snapshot.manifest.parameters, snapshot.manifest.diagnostics["k"]
    vectors = read_npy(work / "embeddings.npy")
    unseen = np.full(len(vectors), -1, np.int64)
    width = min(max(drawing.n_neighbors, k), snapshot.num_prompts)
    nearest = search(vectors, unseen, snapshot.embeddings, 0, width, device=drawing.device)
    points = place(snapshot.layout, nearest.indices, nearest.distances, drawing)
    crowding = crowding_of(nearest.distances, max(1, k), WeightConfig(**parameters["weights"]))
    percentile = np.searchsorted(np.sort(snapshot.density), crowding) / snapshot.num_prompts
    texts = read_table(work / "texts.parquet", ["id", "text", "source"])
    columns = {
        "x": points[:, 0],
        "y": points[:, 1],
        "z": points[:, 2],
        "density_percentile": percentile,
        "neighbor_ids": _lists(snapshot.ids.take(pa.array(nearest.indices.reshape(-1))), width),
        "neighbor_distances": _lists(pa.array(nearest.distances.astype(np.float32).reshape(-1)), width),
    }
    placed = pa.table({**{name: texts[name] for name in texts.column_names}, **columns})
    write_parquet(out, placed.schema, iter([placed]))


def _lists(values: pa.Array, width: int) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(np.arange(0, len(values) + 1, width, dtype=np.int32)), values)


if __name__ == "__main__":
    raise SystemExit(run_job("project", ProjectOptions, run, __doc__))
