"""Stage 4: from the shared graph to density, weights, near duplicates and clusters; beside it, the layout.

Two workers, side by side: one has the graph and the texts of the clusters, one the graph and the vectors.
Memory: N * K * 12 bytes for the graph, mapped when local; clusters about 200 bytes an edge; the layout N * D * 4 more.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kat_ray.engine.tasks import Call, run_side_by_side
from kat_ray.geometry.layout import LayoutConfig
from kat_ray.geometry.weights import WeightConfig
from kat_ray.snapshot.columns import read_npy, read_table, write_npy
from kat_ray.storage import Location

TERMS_SAMPLE_ROWS = 200_000
NUM_TERMS = 8


@dataclass(frozen=True, slots=True)
class ScoringConfig:
    """What decides the scores, besides the graph."""

    k: int
    weighting: WeightConfig
    duplicate_distance: float
    seed: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Numbers of the card, and the seconds of the two halves of the stage."""

    diagnostics: dict[str, Any]
    seconds: dict[str, float]


def score_and_lay_out(
    work: Location, scoring: ScoringConfig, drawing: LayoutConfig, map_of: Location | None = None
) -> Scores:
    """Write density, weights, duplicates, clusters and layout below `work`; finished halves are not done again.

    Where the folder `map_of` of a snapshot is given, its map goes on and none is drawn.
    """
    prompts = work / "prompts.parquet"
    calls = [_scoring(work, prompts, scoring), _drawing(work, prompts, work, drawing, map_of)]
    scores, drawn = run_side_by_side("score, layout", calls)
    seconds = {"scores": scores["seconds"], "layout": drawn["seconds"]}
    return Scores({**scores["diagnostics"], **drawn["diagnostics"]}, seconds)


def score(work: Location, prompts: Location | None, config: ScoringConfig) -> dict[str, Any]:
    """The first half alone, with the words of the clusters where the table of prompts is given; returns its numbers."""
    return dict(run_side_by_side("score", [_scoring(work, prompts, config)])[0]["diagnostics"])


def lay_out(columns: Location, prompts: Location | None, work: Location, config: LayoutConfig) -> dict[str, Any]:
    """The second half alone, from the vectors and the graph in `columns` into `work`; returns its numbers."""
    return dict(run_side_by_side("layout", [_drawing(columns, prompts, work, config)])[0]["diagnostics"])


def _scoring(work: Location, prompts: Location | None, config: ScoringConfig) -> Call:
    return Call(_score, (work, prompts, config))


def _drawing(
    columns: Location, prompts: Location | None, work: Location, config: LayoutConfig, map_of: Location | None = None
) -> Call:
    num_gpus = int(config.device == "gpu" and map_of is None)
    return Call(_lay_out, (columns, prompts, work, config, map_of), num_gpus=num_gpus)


def _score(work: Location, prompts: Location | None, config: ScoringConfig) -> dict[str, Any]:
    """Worker: everything that comes from the graph alone, and the words of the clusters."""
    from kat_ray.geometry.clusters import cluster_graph
    from kat_ray.geometry.density import density_percentile
    from kat_ray.geometry.diagnostics import diagnose, effective_sample_size_curve, intrinsic_dimension
    from kat_ray.geometry.duplicates import duplicate_groups
    from kat_ray.geometry.weights import crowding_of, weights

    record = work / "scores.json"
    if record.exists():
        return dict(json.loads(record.read_bytes()))
    started = time.perf_counter()
    indices, distances = read_npy(work / "neighbor_indices.npy"), read_npy(work / "neighbor_distances.npy")
    density = crowding_of(distances, config.k, config.weighting)
    weighting = weights(distances, config.k, config.weighting)
    duplicates = duplicate_groups(indices, distances, config.duplicate_distance)
    clusters = cluster_graph(indices, distances, seed=config.seed)
    _write_column(work, "density", density)
    _write_column(work, "density_percentile", density_percentile(density))
    _write_column(work, "weights", weighting.values)
    _write_column(work, "duplicates", duplicates.astype(np.int32))
    _write_column(work, "clusters", clusters.astype(np.int32))
    sizes = np.bincount(clusters)
    if prompts is not None:
        (work / "clusters.json").write_bytes(json.dumps(_describe_clusters(prompts, clusters, sizes)).encode())
    group_sizes = np.bincount(duplicates)
    numbers, curve = diagnose(weighting.values, density), effective_sample_size_curve(density, config.weighting.cap)
    result = {
        "diagnostics": {
            "effective_sample_size": numbers.effective_sample_size,
            "gini": numbers.gini,
            "max_over_median": numbers.max_over_median,
            "mass_per_density_quartile": list(numbers.quartile_mass),
            "ess_over_power": {f"{power:g}": share for power, share in curve.items()},
            "estimator": config.weighting.estimator,
            "k": min(config.k, distances.shape[1]),
            "power": weighting.power,
            "cap": config.weighting.cap,
            "intrinsic_dimension": intrinsic_dimension(distances),
            "duplicate_distance": config.duplicate_distance,
            "num_duplicate_groups": int((group_sizes > 1).sum()),
            "num_near_duplicates": int(group_sizes[group_sizes > 1].sum()),
            "num_clusters": len(sizes),
            "cluster_sizes": sizes[:10].tolist(),
        },
        "seconds": time.perf_counter() - started,
    }
    record.write_bytes(json.dumps(result).encode())
    return result


def _lay_out(
    columns: Location, prompts: Location | None, work: Location, config: LayoutConfig, map_of: Location | None
) -> dict[str, Any]:
    """Worker: the map and how far it can be trusted."""
    from kat_ray.engine.kept_map import keep_map
    from kat_ray.geometry.layout import layout
    from kat_ray.geometry.layout_quality import layout_quality

    record = work / "layout.json"
    if record.exists():
        return dict(json.loads(record.read_bytes()))
    started = time.perf_counter()
    vectors = read_npy(columns / "embeddings.npy")
    if map_of is None:
        indices, distances = read_npy(columns / "neighbor_indices.npy"), read_npy(columns / "neighbor_distances.npy")
        points = layout(vectors, indices, distances, config)
    else:
        points = keep_map(columns, map_of, config)
    _write_column(work, "layout", points)
    quality = layout_quality(vectors, points, _source_codes(prompts, len(vectors)), seed=config.seed)
    result = {"diagnostics": quality, "seconds": time.perf_counter() - started}
    record.write_bytes(json.dumps(result).encode())
    return result


def _describe_clusters(prompts: Location, clusters: NDArray[Any], sizes: NDArray[Any]) -> list[dict[str, Any]]:
    """Sizes and distinctive words, the words from an even sample of TERMS_SAMPLE_ROWS texts at most."""
    from kat_ray.geometry.clusters import distinctive_terms

    step = -(-len(clusters) // TERMS_SAMPLE_ROWS)
    texts: list[str] = []
    row = 0
    with prompts.open_input() as stream:
        for batch in pq.ParquetFile(stream).iter_batches(columns=["text"]):
            texts.extend(batch["text"][position].as_py() for position in range(-row % step, len(batch), step))
            row += len(batch)
    terms = distinctive_terms(texts, clusters[::step], NUM_TERMS)
    return [
        {"label": label, "size": int(size), "terms": list(terms[label]) if label < len(terms) else []}
        for label, size in enumerate(sizes)
    ]


def _source_codes(prompts: Location | None, num_rows: int) -> NDArray[np.int64]:
    """Number of each row's source; all 0 where only embeddings are there."""
    if prompts is None:
        return np.zeros(num_rows, np.int64)
    column = read_table(prompts, ["source"])["source"].combine_chunks()
    return np.asarray(column.dictionary_encode().indices.to_numpy(), np.int64)


def _write_column(work: Location, name: str, values: NDArray[Any]) -> None:
    write_npy(work / f"{name}.npy", iter([values]), values.shape, values.dtype)
