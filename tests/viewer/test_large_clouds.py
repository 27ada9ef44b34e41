"""Millions of generated points, put in the place of those of a small service, are drawn, picked and filtered.

python -m pytest -m long tests/viewer/test_large_clouds.py -s      shows the figures
"""

from __future__ import annotations

import json
import statistics
import struct

import numpy as np
import pytest

from benchmark.browser.map_pages import MapPage, retained_bytes
from benchmark.browser.picking import coverage, random_pixels

SNAPSHOT = "00000000000000a5"
BLOBS = 400
OBJECTS = 16 << 20  # bytes of a page without points

pytestmark = pytest.mark.long


def _cloud(num_points: int) -> bytes:
    """Blobs in no order, so that any beginning is a fair sample (kat_ray/snapshot/point_cloud.py has the format)."""
    generator = np.random.default_rng(7)
    points = np.empty(num_points, np.dtype([("position", "<u2", 3), ("source", "u1"), ("percentile", "u1")]))
    centers = generator.uniform(-0.8, 0.8, (BLOBS, 3)).astype(np.float32)
    places = centers[generator.integers(BLOBS, size=num_points)]
    places += generator.normal(0, 0.03, places.shape).astype(np.float32)
    points["position"] = np.clip((places + 1) * 32767.5, 0, 65535)
    points["source"] = generator.integers(3, size=num_points)
    points["percentile"] = generator.integers(256, size=num_points)
    ends = [num_points // 64, num_points // 16, num_points // 4]
    return struct.pack("<4sHHI3I8s", b"KATP", 1, 8, num_points, *ends, bytes.fromhex(SNAPSHOT)) + points.tobytes()


def _meta(num_points: int) -> dict[str, object]:
    return {
        "snapshot_id": SNAPSHOT,
        "num_points": num_points,
        "header_bytes": 32,
        "point_bytes": 8,
        "level_ends": [num_points // 64, num_points // 16, num_points // 4, num_points],
        "chunk_rows": 512,
        "sources": [{"code": code, "name": f"generated-{code}", "size": num_points // 3} for code in range(3)],
        "clusters": [],
        "cluster_label_bytes": 2,
        "bounds": {"min": [-1, -1, -1], "max": [1, 1, 1]},
    }


@pytest.fixture
def open_large(page, viewer):
    """Open the map with so many points."""

    def open_map(num_points: int) -> MapPage:
        headers = {"X-Snapshot-Id": SNAPSHOT, "Content-Type": "application/octet-stream"}
        cloud, labels = _cloud(num_points), bytes(2 * num_points)
        page.route("**/v1/points", lambda route: route.fulfill(body=cloud, headers=headers))
        page.route("**/v1/points/clusters**", lambda route: route.fulfill(body=labels, headers=headers))
        page.route("**/v1/points/meta**", lambda route: route.fulfill(body=json.dumps(_meta(num_points))))
        page.set_default_timeout(120_000)
        return MapPage(page, viewer.url.removesuffix("/viz"))

    return open_map


# On two cores: a million is to stay smooth, five million are to work.
@pytest.mark.parametrize(
    ("num_points", "frame", "pick", "filtering"), [(1_000_000, 100, 30, 25), (5_000_000, 500, 150, 125)]
)
def test_millions_of_points_are_drawn_picked_and_filtered(open_large, page, num_points, frame, pick, filtering):
    shown = open_large(num_points)
    assert shown.drawn == num_points
    drawn, heap = shown.milliseconds()["drawn"], retained_bytes(page)
    first, whole = (statistics.median(times) for times in shown.frames([0.9, 1.4, 1.9, 2.4, 2.9]))
    pixels = random_pixels(200, shown.size, seed=3)
    picks = shown.picks(pixels)
    pick_time = statistics.median(time for time, _ in picks)
    covered = coverage(shown, [(0.6, 2.9), (1.1, 0.8)], pixels)
    filter_times, passing = zip(*shown.filters(range(0, 100, 10)), strict=True)
    filter_time = statistics.median(filter_times)
    print(
        f"\n{num_points:,} points: drawn after {drawn:,.0f} ms, {heap / 2**20:.0f} MiB; after a turn first frame "
        f"{first:.0f} ms, all points {whole:,.0f} ms; pick {pick_time:.1f} ms; filter {filter_time:.1f} ms"
    )
    assert any(point is not None for _, point in picks)
    assert covered.share >= 0.98
    assert list(passing) == sorted(passing, reverse=True)
    assert 0 < passing[-1] < num_points / 8
    assert heap <= OBJECTS + 20 * num_points
    assert first <= frame
    assert pick_time <= pick
    assert filter_time <= filtering
