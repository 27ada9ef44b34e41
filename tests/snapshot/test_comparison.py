"""The bytes of a comparison say what was found, in the orders of both clouds."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from kat_ray.snapshot.comparison import NO_POINT, Comparison, encode_comparison
from kat_ray.snapshot.point_cloud import PointCloud, quantized
from kat_ray.snapshot.snapshot import Snapshot

POINT = np.dtype([("position", "<u2", 3), ("source", "u1"), ("percentile", "u1"), ("same", "<u4")])


@pytest.fixture
def cloud(store) -> PointCloud:
    return PointCloud(Snapshot.open(store.location))


@pytest.fixture
def found() -> Comparison:
    """Every prompt turned to the other side of the map; the third one is new."""
    places = np.linspace(-1, 1, 36, dtype=np.float32).reshape(12, 3)
    same_rows = np.where(np.arange(12) == 2, -1, np.arange(12))
    return Comparison(places, same_rows, np.linspace(-20, 20, 12))


def test_the_header_names_both_sizes_and_the_other_snapshot(cloud, found):
    data = encode_comparison(cloud, cloud, found)
    fields = struct.unpack_from("<4sHHIIII8s", data)
    assert fields == (b"KATC", 1, 12, 12, 12, 11, 0, bytes.fromhex(cloud.snapshot_id))
    assert len(data) == 32 + 12 * 12 + 12


def test_points_stand_in_the_order_of_the_other_cloud(cloud, found):
    points = np.frombuffer(encode_comparison(cloud, cloud, found), POINT, 12, 32)
    assert (points["position"] == quantized(found.places)[cloud.order]).all()
    assert (points["source"] == cloud.points()["source"]).all()
    assert (points["percentile"] == cloud.points()["density_percentile"]).all()
    new = cloud.order == 2
    assert (points["same"][new] == NO_POINT).all()
    assert points["same"][~new].tolist() == np.flatnonzero(~new).tolist()


def test_ratios_stand_in_the_order_of_this_cloud_and_are_bounded(cloud, found):
    ratios = np.frombuffer(encode_comparison(cloud, cloud, found), np.int8, 12, 32 + 144)
    expected = np.clip(np.rint(16 * found.ratios), -127, 127)
    assert ratios.tolist() == expected[cloud.order].tolist()
    assert (ratios.min(), ratios.max()) == (-127, 127)


def test_the_other_parts_of_a_cloud_stand_in_its_order_too(cloud, store):
    snapshot = Snapshot.open(store.location)
    keys = np.frombuffer(cloud.keys(), "<u8")
    assert [f"{key:016x}" for key in keys.tolist()] == snapshot.ids.take(cloud.order).to_pylist()
    weights = np.frombuffer(cloud.loss_weights(), "<f4")
    np.testing.assert_allclose(weights, 12 * snapshot.weights[cloud.order], rtol=1e-6)
    assert cloud.places[cloud.order].tolist() == list(range(12))
