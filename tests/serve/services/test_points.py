from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kat_ray.errors import SnapshotMismatchError
from kat_ray.snapshot.point_cloud import PointCloud
from kat_ray.snapshot.snapshot import Snapshot
from serve.refusals import RefusedError
from serve.services.points import Points
from serve.services.texts import Texts
from tests.serve.corpus import IDS, TEXTS


@pytest.fixture
def points(snapshot) -> Points:
    return Points(snapshot, Texts(snapshot))


def test_bytes_are_the_clouds_own_and_made_once(points, snapshot):
    assert points.cloud().data == PointCloud(snapshot).encode()
    assert points.cloud() is points.cloud()
    assert len(points.labels().data) == 2 * len(IDS)
    assert points.cloud().digest != points.labels().digest
    assert json.loads(json.dumps(points.meta()))["num_points"] == len(IDS)


def test_previews_place_and_points_agree_on_the_order(points):
    chunk = points.previews(0)
    assert sorted(chunk["ids"]) == sorted(IDS)
    for point, (name, preview) in enumerate(zip(chunk["ids"], chunk["previews"], strict=True)):
        row = IDS.index(name)
        assert points.place(row) == point
        assert TEXTS[row].startswith(preview)


def test_a_chunk_that_is_not_there_is_refused(points):
    with pytest.raises(RefusedError, match="1 chunks") as refused:
        points.previews(1)
    assert refused.value.status == 404


def test_a_snapshot_without_a_map_has_no_points(snapshot, tmp_path):
    folder = tmp_path / snapshot.snapshot_id
    shutil.copytree(snapshot.location.path, folder)
    columns = tuple(record for record in snapshot.manifest.columns if record.name != "layout")
    Path(folder, "manifest.json").write_bytes(replace(snapshot.manifest, columns=columns).to_json())
    flat = Snapshot.open(str(folder))
    points = Points(flat, Texts(flat))
    assert points.place(0) is None
    for part in (points.cloud, points.meta, lambda: points.previews(0)):
        with pytest.raises(SnapshotMismatchError, match="layout"):
            part()


def test_cluster_labels_stand_in_the_order_of_the_points(points, snapshot):
    labels = np.frombuffer(points.labels().data, "<u2")
    places = [points.place(row) for row in range(len(IDS))]
    assert labels[places].tolist() == snapshot.clusters.tolist()
