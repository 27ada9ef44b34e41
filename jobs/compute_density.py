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

import numpy as np

from jobs.command import run_job
from kat_ray.engine.neighbors import IndexKind, find_neighbors
from kat_ray.engine.scores import ScoringConfig, score
from kat_ray.engine.session import Device, count_workers, require_shared, resolve_device, session
from kat_ray.engine.tasks import run_task
from kat_ray.geometry.duplicates import DUPLICATE_DISTANCE
from kat_ray.geometry.weights import Estimator, WeightConfig
from kat_ray.snapshot.card import render_weights
from kat_ray.snapshot.columns import read_npy, read_npy_header, write_npy
from kat_ray.snapshot.diagnostics import WeightNumbers
from kat_ray.snapshot.embedding_files import read_embeddings, write_ids
from kat_ray.storage import Location


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
    """Neighbor search: exact, or pynndescent with measured recall."""
    duplicate_distance: float = DUPLICATE_DISTANCE
    """Prompts closer than this are near duplicates."""
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


def run(options: DensityOptions) -> dict[str, Any]:
    """Run graph and scores anew and return their numbers."""
    out = Location(options.out)
    config = ScoringConfig(
        k=options.k,
        weighting=WeightConfig(
            power=options.weight_power,
            cap=options.weight_cap,
            target_ess=options.target_ess,
            estimator=options.estimator,
            compat_inverted_weights=options.compat_inverted_weights,
        ),
        duplicate_distance=options.duplicate_distance,
        seed=options.seed,
    )
    with session(options.address):
        require_shared([Location(options.embeddings), out])
        device = resolve_device(options.device, options.wait_seconds)
        num_workers = count_workers(device, options.workers, options.wait_seconds)
        for record in ("neighbors", "neighbors.json", "scores.json"):
            (out / record).delete()
        run_task(_copy_embeddings, Location(options.embeddings), out)
        graph = find_neighbors(out, max(options.k, 20), options.index, device, num_workers, options.seed)
        diagnostics = score(out, config)
        run_task(_write_seeds_weights, out, {**diagnostics, "recall": graph.recall})
    num_prompts = read_npy_header(out / "weights.npy").shape[0]
    print(render_weights(cast(WeightNumbers, diagnostics), num_prompts), file=sys.stderr)
    if graph.k < options.k:
        print(f"Only {graph.k + 1} prompts: k was clamped from {options.k} to {graph.k}.", file=sys.stderr)
    return {**asdict(graph), "diagnostics": diagnostics, "out": options.out}


def _copy_embeddings(source: Location, out: Location) -> None:
    """Worker: unit rows and ids where the stages look for them."""
    ids, vectors = read_embeddings(source)
    if source.uri != out.uri:
        write_npy(out / "embeddings.npy", iter([vectors]), vectors.shape, vectors.dtype)
        write_ids(out, ids)


def _write_seeds_weights(out: Location, diagnostics: dict[str, Any]) -> None:
    """Worker: the weights as the seeds name them, and the numbers of the card."""
    values = read_npy(out / "weights.npy").astype(np.float32)
    write_npy(out / "density_weights.npy", iter([values]), values.shape, values.dtype)
    (out / "diagnostics.json").write_bytes(json.dumps(diagnostics, indent=1).encode())
    for record in ("neighbors.json", "scores.json"):
        (out / record).delete()


if __name__ == "__main__":
    raise SystemExit(run_job("compute_density", DensityOptions, run, __doc__))
