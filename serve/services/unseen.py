"""Where unseen text stands in a snapshot: its nearest prompts, how crowded it is there, the weight it would get, and
its place on the map. The snapshot stays as it is.

A text is always taken as unseen: one that equals a prompt has that prompt as its nearest neighbor at distance 0, so it
counts as more crowded than the prompt itself, whose own neighbors begin after itself.

The weight is the one that the snapshot's rule and scale give: proportional to density ** -power with the same factor
as the prompts' weights and the same cap, so it can be compared with theirs; the weights of the prompts are not scaled
down to make room. In an edited snapshot it is the weight of a prompt that no edit named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kat_ray.arrays import Float32Matrix, Float64Matrix, Float64Vector, IndexMatrix
from kat_ray.encoders.encoder import Device
from kat_ray.geometry.weights import WeightConfig, crowding_of
from kat_ray.records import Message, render_text
from kat_ray.snapshot.lineage import edit_steps, rescaling
from kat_ray.snapshot.snapshot import Snapshot
from serve.once import Once
from serve.services.encoders import Embedded, Encoders


class _Nearest(NamedTuple):
    """Prompts nearest to Q texts, and which texts were cut."""

    indices: IndexMatrix
    distances: Float64Matrix
    truncated: list[bool]


class _Scale(NamedTuple):
    """log of weight over density ** exponent, and the median weight."""

    log_factor: float
    median: float


class UnseenTexts:
    """Density, weight and place of texts that a snapshot does not hold."""

    def __init__(self, snapshot: Snapshot, encoders: Encoders, device: Device) -> None:
        self._snapshot = snapshot
        self._encoders = encoders
        parameters = snapshot.manifest.parameters
        self._k = max(1, int(snapshot.manifest.diagnostics["k"]))
        self._rendering = parameters.get("text", "first_user")
        self._weighting = WeightConfig(**parameters.get("weights", {}))
        power = float(snapshot.manifest.diagnostics["power"])
        self._exponent = exponent = power if self._weighting.compat_inverted_weights else -power
        # none of these knows `self`: the memory of a closed snapshot goes at once, not when cycles are looked for
        self._index = Once(lambda: _make_index(snapshot, device))
        self._sorted_density = Once(lambda: np.sort(snapshot.density))
        self._scale = Once(lambda: _find_scale(snapshot, exponent))

    def density(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """How crowded each text is among the prompts, and the weight it would get.

        Raises:
            RefusedError: the snapshot's encoder is not available.
        """
        nearest = self._find(texts, self._k)
        crowding = crowding_of(nearest.distances, self._k, self._weighting)
        columns = zip(
            crowding.tolist(),
            self._percentile(crowding).tolist(),
            self._weights(crowding).tolist(),
            nearest.truncated,
            self._neighbors(nearest),
            strict=True,
        )
        names = ("density", "density_percentile", "weight", "truncated", "neighbors")
        return [dict(zip(names, values, strict=True)) for values in columns]

    def project(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Where each text falls on the map, whose points stay where they are.

        Raises:
            RefusedError: the snapshot's encoder is not available.
            SnapshotMismatchError: the snapshot has no map.
        """
        from kat_ray.geometry.layout import LayoutConfig, place

        old = self._snapshot.layout
        drawing = LayoutConfig(**self._snapshot.manifest.parameters.get("layout", {}))
        nearest = self._find(texts, max(drawing.n_neighbors, self._k))
        points = place(old, nearest.indices, nearest.distances, drawing)
        percentile = self._percentile(crowding_of(nearest.distances, self._k, self._weighting))
        columns = zip(points.tolist(), percentile.tolist(), nearest.truncated, self._neighbors(nearest), strict=True)
        return [
            {"x": x, "y": y, "z": z, "density_percentile": share, "truncated": cut, "neighbors": near}
            for (x, y, z), share, cut, near in columns
        ]

    def nearest_rows(self, text: str, count: int) -> tuple[list[int], list[float]]:
        """Rows of the prompts nearest in meaning, nearest first, with their distances.

        Raises:
            RefusedError: the snapshot's encoder is not available.
        """
        nearest = self._find([text], count)
        return nearest.indices[0].tolist(), nearest.distances[0].tolist()

    def nearest_of(self, vectors: Float32Matrix, width: int) -> tuple[IndexMatrix, Float64Matrix]:
        """Rows and distances of the prompts nearest to vectors [Q, D] of this snapshot's encoder, `width` at most."""
        unseen = np.full(len(vectors), -1, np.int64)
        found = self._index().search(vectors, unseen, min(width, self._snapshot.num_prompts))
        return found.indices, found.distances

    def _find(self, texts: Sequence[str], width: int) -> _Nearest:
        embedded = self._embed(texts)
        return _Nearest(*self.nearest_of(embedded.vectors, width), embedded.truncated)

    def _embed(self, texts: Sequence[str]) -> Embedded:
        rendered = [render_text([Message("user", text)], self._rendering) for text in texts]
        return self._encoders.embed(self._snapshot.manifest.encoder, rendered)

    def _percentile(self, crowding: Float64Vector) -> Float64Vector:
        """Share of the prompts that are less crowded, plus half of those that are as crowded, in [0, 1]."""
        density = self._sorted_density()
        below, up_to = (np.searchsorted(density, crowding, side=side) for side in ("left", "right"))
        return np.asarray((below + up_to) / (2.0 * len(density)))

    def _weights(self, crowding: Float64Vector) -> Float64Vector:
        scale = self._scale()
        values = np.exp(scale.log_factor + self._exponent * np.log(crowding))
        cap = self._snapshot.manifest.diagnostics["cap"]
        return np.asarray(values if cap is None else np.minimum(values, cap * scale.median))

    def _neighbors(self, nearest: _Nearest) -> list[list[dict[str, Any]]]:
        ids = self._snapshot.ids.take(nearest.indices[:, : self._k].reshape(-1)).to_pylist()
        distances = nearest.distances[:, : self._k]
        pairs = [{"id": name, "distance": far} for name, far in zip(ids, distances.reshape(-1).tolist(), strict=True)]
        width = distances.shape[1]
        return [pairs[start : start + width] for start in range(0, len(pairs), width)]


def _make_index(snapshot: Snapshot, device: Device) -> Any:
    from kat_ray.geometry.neighbors import ExactIndex

    return ExactIndex(snapshot.embeddings, device="gpu" if device == "gpu" else "cpu")


def _find_scale(snapshot: Snapshot, exponent: float) -> _Scale:
    """By the weights before any edit, brought to the scale of this snapshot's; the factor is a median, since a cap
    moves some of them away from the rule."""
    scale = 1.0
    for child, parent in edit_steps(snapshot):
        scale *= rescaling(child, parent)
        snapshot = parent
    weights = snapshot.weights * scale
    log_factor = np.median(np.log(weights) - exponent * np.log(snapshot.density))
    return _Scale(float(log_factor), float(np.median(weights)))
