"""From embeddings to the neighbor graph, density, percentile, weights, near duplicates and clusters.

Reads embeddings.npy and ids.json (a folder of the embed job) or an embeddings.pt, and writes beside each other
neighbor_indices.npy, neighbor_distances.npy, density.npy, density_percentile.npy, weights.npy, duplicates.npy,
clusters.npy, the seeds' density_weights.npy and ids.json, and diagnostics.json.

Examples:
    python -m jobs.compute_density --embeddings data --out data
    python -m jobs.compute_density --embeddings embeddings.pt --out density --k 20 --target-ess 0.5
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import Any, cast

from jobs.command import run_job
from kat_ray.engine.build_options import SMALLEST_STORED_K
from kat_ray.engine.hardware import resolve_hardware
from kat_ray.engine.neighbors import IndexKind, find_neighbors
from kat_ray.engine.scores import ScoringConfig, score
from kat_ray.engine.session import Device, count_workers, require_shared, session
from kat_ray.engine.tasks import run_task
from kat_ray.engine.work import clean_up, work_folder
from kat_ray.geometry.duplicates import DUPLICATE_DISTANCE
from kat_ray.geometry.weights import Estimator, WeightConfig
from kat_ray.snapshot.card import render_weights
from kat_ray.snapshot.columns import read_npy, read_npy_header, read_table, write_npy
from kat_ray.snapshot.diagnostics import WeightNumbers
from kat_ray.snapshot.embedding_files import read_embeddings, write_ids
from kat_ray.snapshot.seeds_files import write_weights
from kat_ray.storage import Location

_COLUMNS = (
    "neighbor_indices.npy",
    "neighbor_distances.npy",
    "density.npy",
    "density_percentile.npy",
    "weights.npy",
    "duplicates.npy",
    "clusters.npy",
    "clusters.json",
)


@dataclass(frozen=True, slots=True)
class DensityOptions:
    """Which embeddings, and how their density becomes weights."""

    embeddings: str
    """A folder with embeddings.npy and ids.json, or an embeddings.pt."""
    out: str
    """Folder or s3:// URI for the arrays."""
    k: int = 10
    """Neighbors whose mean distance makes the density."""
    weight_power: float = 1.0
    """Weight is proportional to density ** -power; 0 is uniform."""
    target_ess: float | None = None
    """Effective sample size to reach, as a share of N; finds the power."""
    weight_cap: float | None = None
    """Largest weight, as a multiple of the median one."""
    estimator: Estimator = "distance"
    """What density is: 1 / mean distance, or the seeds' mean similarity."""
    compat_inverted_weights: bool = False
    """Reproduce the published inversion (rare prompts less); never for training."""
    index: IndexKind = "exact"
    """Neighbor search: exact, or approximate with measured recall."""
    duplicate_distance: float = DUPLICATE_DISTANCE
    """Prompts closer than this are near duplicates."""
    stored_k: int = SMALLEST_STORED_K
    """Neighbors to store, at least k; a layout with more neighbors needs as many."""
    seed: int = 42
    """Seed of clusters and approximate index."""
    device: Device = "auto"
    """Hardware of the neighbor search; auto takes GPUs when the cluster has some."""
    workers: int | None = None
    """Index shards; all CPUs or GPUs of the cluster by default."""
    wait_seconds: float = 0.0
    """How long an autoscaler may take to bring the asked-for hardware."""
    address: str | None = None
    """Ray cluster to join; RAY_ADDRESS or an embedded one by default."""

    @property
    def weighting(self) -> WeightConfig:
        """The options of the weights."""
        return WeightConfig(
            power=self.weight_power,
            cap=self.weight_cap,
            target_ess=self.target_ess,
            estimator=self.estimator,
            compat_inverted_weights=self.compat_inverted_weights,
        )


def run(options: DensityOptions) -> dict[str, Any]:
    """Run graph and scores and return their numbers; a killed run is continued."""
    source, out = Location(options.embeddings), Location(options.out)
    config = ScoringConfig(options.k, options.weighting, options.duplicate_distance, options.seed)
    stored_k = max(options.k, options.stored_k)
    with session(options.address):
        require_shared([source, out])
        device = resolve_hardware(options.device, ("neighbors",), options.wait_seconds)
        num_workers = count_workers(device, options.workers, options.wait_seconds)
        inputs = [source] if source.info().is_file else [source / "embeddings.npy", source / "ids.json"]
        work = work_folder(out, inputs, {**asdict(config), "stored_k": stored_k, "index": options.index})
        prompts = run_task(_copy_embeddings, source, work)
        graph = find_neighbors(work, stored_k, options.index, device, num_workers, options.seed)
        diagnostics = {**score(work, prompts, config), "recall": graph.recall}
        num_prompts = run_task(_write_files, source, work, out, diagnostics)
        clean_up(work, out)
    print(render_weights(cast(WeightNumbers, diagnostics), num_prompts), file=sys.stderr)
    if graph.k < options.k:
        print(f"k was clamped from {options.k} to {graph.k}, since N = {num_prompts}.", file=sys.stderr)
    return {
        "stored_k": graph.k,
        "recall": graph.recall,
        "seconds": round(graph.seconds, 2),
        "diagnostics": diagnostics,
        "out": out.shareable,
    }


def _copy_embeddings(source: Location, work: Location) -> Location | None:
    """Worker: unit rows and ids where the stages look for them; returns the table of these prompts if it is there."""
    ids, vectors = read_embeddings(source)
    if not (work / "ids.json").exists():
        write_npy(work / "embeddings.npy", iter([vectors]), vectors.shape, vectors.dtype)
        write_ids(work, ids)
    prompts = source / "prompts.parquet"
    if source.info().is_file or not prompts.exists():
        return None
    return prompts if read_table(prompts, ["id"])["id"].to_pylist() == ids else None


def _write_files(source: Location, work: Location, out: Location, diagnostics: dict[str, Any]) -> int:
    """Worker: columns, the weights as the seeds name them, and the numbers of the card; returns N."""
    num_rows, dimension = read_npy_header(work / "embeddings.npy").shape
    origin = {name: diagnostics[name] for name in ("k", "estimator", "power", "cap")}
    write_weights(out, read_npy(work / "weights.npy"), dimension, origin)
    (out / "diagnostics.json").write_bytes(json.dumps(diagnostics, indent=1).encode())
    kept = ("embeddings.npy", "ids.json") if source.uri.rstrip("/") != out.uri.rstrip("/") else ()
    for name in (*kept, *_COLUMNS):
        if (work / name).exists():
            (work / name).move_to(out / name)
    return num_rows


if __name__ == "__main__":
    raise SystemExit(run_job("compute_density", DensityOptions, run, __doc__))
