"""The prompts of a snapshot in the order of the map's points, as the page should show them."""

from __future__ import annotations

from typing import NamedTuple

from kat_ray.snapshot.point_cloud import PointCloud
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store

_BANDS = ("very rare", "uncommon", "common", "very common")


class Point(NamedTuple):
    """`density` is the percentile as the map has it, `exact_density` as the snapshot has it, `weight` a multiple of the
    average."""

    row: int
    id: str
    text: str
    source: str
    density: float
    exact_density: float
    weight: float
    cluster: int

    @property
    def band(self) -> str:
        return _BANDS[min(3, int(self.density * 4))]


def points_of(store: Store, snapshot_id: str | None = None) -> list[Point]:
    """Of a snapshot of the store, by default the current one."""
    snapshot = Snapshot.open(store.location if snapshot_id is None else store.location / snapshot_id)
    table = snapshot.prompts().to_pylist()
    return [
        Point(
            row=int(row),
            id=table[row]["id"],
            text=table[row]["text"],
            source=table[row]["source"],
            density=round(float(snapshot.density_percentile[row]) * 255) / 255,
            exact_density=float(snapshot.density_percentile[row]),
            weight=float(snapshot.weights[row]) * snapshot.num_prompts,
            cluster=int(snapshot.clusters[row]),
        )
        for row in PointCloud(snapshot).order
    ]
