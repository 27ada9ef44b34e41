"""Encoders against SentenceTransformer.encode: speed, and whether the vectors say the same."""

from __future__ import annotations

from typing import Literal

import numpy as np

from benchmark.baselines import Baselines
from benchmark.encoding import Encoded, encode_in_processes
from benchmark.figures.findings import Findings
from benchmark.figures.measure import Measure
from benchmark.sizes import Sizes
from kat_ray.arrays import Float32Matrix, Float64Vector
from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.geometry.density import density, mean_distances
from kat_ray.geometry.neighbors import Neighbors, exact_neighbors
from kat_ray.geometry.weights import weights_of

_OVERLAP_K, _DENSITY_K = 15, 10


def measure_embedding(baselines: Baselines, sizes: Sizes, spec: str, part: Literal["embed", "int8"]) -> Findings:
    """Figures of the default precision, or of int8; numbers: "per_second" of ours and of theirs.

    Raises:
        EncoderError, ResourceError: int8 needs packages or instructions that are not there.
    """
    config = EncoderConfig(spec, "cpu", "int8" if part == "int8" else "auto")
    ours = encode_in_processes(config, baselines.sample)
    return judge_embedding(ours, baselines.encoded, sizes, part)


def judge_embedding(ours: Encoded, theirs: Encoded, sizes: Sizes, part: Literal["embed", "int8"]) -> Findings:
    """The figures of two encodings of the same texts."""
    found = Findings(numbers={"per_second": ours.per_second, "their_per_second": theirs.per_second})
    cosines = np.einsum("nd,nd->n", ours.vectors.astype(np.float64), theirs.vectors.astype(np.float64))
    near, true = (_graph(one.vectors[: sizes.compared]) for one in (ours, theirs))
    overlap, rank = _overlap(near, true), rank_correlation(_weights(near), _weights(true))
    note = (
        f"{ours.per_second:,.0f} prompts/s in {ours.precision} to {theirs.per_second:,.0f}, {len(cosines):,} prompts."
    )
    times = 3.0 if part == "int8" else 2.2
    mine, other = (1e3 / one.per_second for one in (ours, theirs))
    found.measures.append(Measure.less(f"{part}, 1,000 prompts", "s", mine, other, times, note))
    among = f"Among {len(near.indices):,} prompts."
    told = f"The mean; the least {cosines.min():.5f}."
    found.expect(part in ("embed", ours.precision), f"The encoder ran in {ours.precision}, not in {part}.")
    if part == "embed":
        found.gate(Measure.at_least(f"{part}, cosine to float32", "", float(cosines.mean()), 0.999, told))
        found.gate(Measure.at_least(f"{part}, neighbor overlap@15", "", overlap, 0.98, among))
        return found
    found.measures.append(Measure(f"{part}, cosine to float32", "", float(cosines.mean()), note=told))
    found.gate(Measure.at_least(f"{part}, neighbor overlap@15", "", overlap, 0.93, among))
    found.gate(Measure.at_least(f"{part}, Spearman of weights", "", rank, 0.98, among))
    return found


def _graph(vectors: Float32Matrix) -> Neighbors:
    return exact_neighbors(vectors, _OVERLAP_K)


def _overlap(near: Neighbors, true: Neighbors) -> float:
    """Mean share of the true neighbors that are neighbors here, too."""
    same = (near.indices[:, :, None] == true.indices[:, None, :]).any(axis=2)
    return float(same.mean())


def _weights(graph: Neighbors) -> Float64Vector:
    return weights_of(density(mean_distances(graph.distances, _DENSITY_K)), 1.0)


def rank_correlation(first: Float64Vector, second: Float64Vector) -> float:
    """Spearman's."""
    from scipy.stats import spearmanr

    return float(spearmanr(first, second).statistic)
