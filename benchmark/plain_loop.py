"""The kernels of a build in a plain loop over processes, without Ray, recovery or publication.

python -m benchmark.plain_loop PAIRS FOLDER ENCODER      writes the columns into the folder
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.sizes import num_cores
from kat_ray.arrays import Float32Matrix
from kat_ray.encoders.encoder import Encoder, EncoderConfig
from kat_ray.encoders.loading import load_encoder
from kat_ray.engine.corpus import Corpus
from kat_ray.engine.split_rows import PromptsConfig, SplitParser
from kat_ray.geometry.clusters import cluster_graph, distinctive_terms
from kat_ray.geometry.density import density_percentile
from kat_ray.geometry.diagnostics import diagnose, effective_sample_size_curve, intrinsic_dimension
from kat_ray.geometry.duplicates import DUPLICATE_DISTANCE, duplicate_groups
from kat_ray.geometry.layout import layout
from kat_ray.geometry.layout_quality import layout_quality
from kat_ray.geometry.neighbors import ExactIndex, Neighbors
from kat_ray.geometry.weights import WeightConfig, crowding_of, weights
from kat_ray.pairs.linking import link
from kat_ray.pairs.splits import plan_splits
from kat_ray.snapshot.columns import PROMPT_BLOCK_ROWS, read_table
from kat_ray.storage import Location

_K, _STORED_K, _QUERY_ROWS, _NUM_TERMS = 10, 20, 1024, 8
_held: dict[str, Any] = {}


def build_plainly(pairs: str, folder: Path, encoder: EncoderConfig) -> None:
    """Write prompts, pairs and one array a column below the folder."""
    texts = _read(pairs, Location(str(folder)))
    cores = num_cores()
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        blocks = [texts[start : start + PROMPT_BLOCK_ROWS] for start in range(0, len(texts), PROMPT_BLOCK_ROWS)]
        vectors = np.concatenate(list(pool.map(_encode, [encoder] * len(blocks), blocks)))
        np.save(folder / "embeddings.npy", vectors)
        starts = range(0, len(vectors), _QUERY_ROWS)
        found = list(pool.map(_search, [str(folder)] * len(starts), starts))
        graph = Neighbors(np.concatenate([f.indices for f in found]), np.concatenate([f.distances for f in found]))
        np.save(folder / "neighbor_indices.npy", graph.indices.astype(np.int32))
        np.save(folder / "neighbor_distances.npy", graph.distances.astype(np.float32))
        ends: list[Callable[[str], None]] = [_score, _draw]
        for task in [pool.submit(end, str(folder)) for end in ends]:
            task.result()


def _read(pairs: str, folder: Location) -> list[str]:
    config = PromptsConfig()
    records = [
        SplitParser(number, split, config).write(folder / "rows", f"{number:05d}")
        for number, split in enumerate(plan_splits([pairs]))
    ]
    corpus = Corpus.load(folder, records)
    keys = corpus.keys
    links = link(keys["prompt"], keys["pair"], keys["source"], keys["complete"], None)
    corpus.write_rejects(links.num_rows)
    corpus.write_prompts(links)
    corpus.write_pairs(links)
    return list(read_table(folder / "prompts.parquet", ["text"])["text"].to_pylist())


def _encode(config: EncoderConfig, texts: Sequence[str]) -> Float32Matrix:
    encoder: Encoder = _held.setdefault("encoder", None) or load_encoder(config)
    _held["encoder"] = encoder
    return encoder.encode(encoder.tokenize(texts))


def _search(folder: str, start: int) -> Neighbors:
    if "index" not in _held:
        import torch

        torch.set_num_threads(1)  # a process a core, as the engine has it
        _held["vectors"] = np.load(f"{folder}/embeddings.npy", mmap_mode="r", allow_pickle=False)
        _held["index"] = ExactIndex(_held["vectors"])
    queries = _held["vectors"][start : start + _QUERY_ROWS]
    found: Neighbors = _held["index"].search(queries, np.arange(start, start + len(queries)), _STORED_K)
    return found


def _score(folder: str) -> None:
    indices, distances = _column(folder, "neighbor_indices"), _column(folder, "neighbor_distances")
    config = WeightConfig()
    crowding, weighting = crowding_of(distances, _K, config), weights(distances, _K, config)
    clusters = cluster_graph(indices, distances)
    texts = read_table(Location(folder) / "prompts.parquet", ["text"])["text"].to_pylist()
    distinctive_terms(texts, clusters, _NUM_TERMS)
    diagnose(weighting.values, crowding)
    effective_sample_size_curve(crowding, None)
    intrinsic_dimension(distances)
    np.save(f"{folder}/density.npy", crowding)
    np.save(f"{folder}/density_percentile.npy", density_percentile(crowding))
    np.save(f"{folder}/duplicates.npy", duplicate_groups(indices, distances, DUPLICATE_DISTANCE))
    np.save(f"{folder}/clusters.npy", clusters)
    np.save(f"{folder}/weights.npy", weighting.values)


def _draw(folder: str) -> None:
    vectors = _column(folder, "embeddings")
    points = layout(vectors, _column(folder, "neighbor_indices"), _column(folder, "neighbor_distances"))
    np.save(f"{folder}/layout.npy", points)
    layout_quality(vectors, points, np.zeros(len(points), np.int64))


def _column(folder: str, name: str) -> Any:
    return np.load(f"{folder}/{name}.npy", mmap_mode="r", allow_pickle=False)


if __name__ == "__main__":
    build_plainly(sys.argv[1], Path(sys.argv[2]), EncoderConfig(sys.argv[3], "cpu"))
    print("done")
