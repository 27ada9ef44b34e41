"""Another snapshot in the map of this one: where each of its prompts stands here, and where it is denser.

A prompt that both have stands where it stands here. One that this snapshot lacks is placed by its vector among the
prompts here, which takes the same encoder. Where the encoders differ and all prompts are shared, as before and after a
training, each stands where its neighbors of the other snapshot stand here, so that what moved is seen.

The last few answers stay in memory, 12 bytes a prompt of the other snapshot and one a prompt of this one: at most 14 MB
each with a million prompts. Knows nothing of HTTP.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import numpy as np

from kat_ray.arrays import Float32Matrix, Int64Vector
from kat_ray.geometry.comparison import density_ratio
from kat_ray.snapshot.comparison import Comparison, encode_comparison
from kat_ray.snapshot.snapshot import Snapshot
from serve.refusals import RefusedError
from serve.served import ServedSnapshot
from serve.services.points import Block

MOST_UNSEEN = 20_000
"""Prompts that are placed by their vectors at most, since someone waits for them."""
NUM_KEPT = 4
"""Answers kept."""


class Comparisons:
    """Comparisons of pairs of snapshots, one made at a time."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Block] = OrderedDict()

    def compare(self, this: ServedSnapshot, other: ServedSnapshot) -> Block:
        """The bytes of `kat_ray.snapshot.comparison`; a function of the two snapshots. Half a minute at most where
        20,000 prompts are new to a quarter of a million.

        Raises:
            RefusedError: prompts that this snapshot lacks are too many, or of another encoder.
            SnapshotMismatchError: one of the two has no map.
        """
        pair = this.snapshot_id, other.snapshot_id
        with self._making:
            block = self._kept.pop(pair, None)
            if block is None:
                block = Block.of(encode_comparison(this.points.map, other.points.map, _compare(this, other)))
            self._kept[pair] = block
            while len(self._kept) > NUM_KEPT:
                self._kept.popitem(last=False)
        return block


def _compare(this: ServedSnapshot, other: ServedSnapshot) -> Comparison:
    same_rows = this.table.lookup(other.snapshot.ids).rows
    unseen = np.flatnonzero(same_rows < 0)
    is_same_encoder = _encoding(this.snapshot) == _encoding(other.snapshot)
    _require_comparable(len(unseen), is_same_encoder, this.snapshot_id, other.snapshot_id)
    nearest = same_rows.copy()
    places = this.snapshot.layout[same_rows]
    if len(unseen):
        nearest[unseen], places[unseen] = _place_unseen(this, other.snapshot, unseen)
    elif not is_same_encoder and other.snapshot.num_prompts > 1:
        places = _place_by_company(this.snapshot, other.snapshot, same_rows)
    return Comparison(places, same_rows, density_ratio(nearest, this.snapshot.neighbor_indices))


def _place_unseen(this: ServedSnapshot, other: Snapshot, rows: Int64Vector) -> tuple[Int64Vector, Float32Matrix]:
    """For rows of the other snapshot: the nearest row here, and the place."""
    from kat_ray.geometry.layout import LayoutConfig, place

    drawing = LayoutConfig(**this.snapshot.manifest.parameters.get("layout", {}))
    vectors = np.ascontiguousarray(other.embeddings[rows])
    indices, distances = this.unseen.nearest_of(vectors, drawing.n_neighbors)
    return indices[:, 0], place(this.snapshot.layout, indices, distances, drawing)


def _place_by_company(this: Snapshot, other: Snapshot, same_rows: Int64Vector) -> Float32Matrix:
    """For each prompt of the other snapshot the middle of where its neighbors there stand here."""
    from kat_ray.geometry.layout import LayoutConfig, place

    drawing = LayoutConfig(**this.manifest.parameters.get("layout", {}))
    company = same_rows[other.neighbor_indices[:, : drawing.n_neighbors]]
    return place(this.layout, company, other.neighbor_distances[:, : drawing.n_neighbors], drawing)


def _require_comparable(num_unseen: int, is_same_encoder: bool, this: str, other: str) -> None:
    if num_unseen and not is_same_encoder:
        raise RefusedError(
            409,
            f"{num_unseen:,} prompts of snapshot {other} are not in snapshot {this} and cannot be placed in its map, "
            "since the two were made with different encoders; build the other one with the same --encoder.",
        )
    if num_unseen > MOST_UNSEEN:
        raise RefusedError(
            409,
            f"{num_unseen:,} prompts of snapshot {other} are not in snapshot {this}, more than the {MOST_UNSEEN:,} "
            "that are placed while someone waits. Place them with `python -m jobs.project --onto`, or build a "
            "snapshot of fewer prompts.",
        )


def _encoding(snapshot: Snapshot) -> dict[str, Any]:
    """All that decides the vector of a prompt."""
    decisive = {name: value for name, value in snapshot.manifest.encoder.items() if name != "name"}
    return {**decisive, "text": snapshot.manifest.parameters.get("text", "first_user")}
