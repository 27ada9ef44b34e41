from __future__ import annotations

import struct

import numpy as np
import pytest

from kat_ray.snapshot.point_cloud import PointCloud
from tests.serve.corpus import IDS

BYTES = ["/v1/points", "/v1/points/clusters", "/v1/points/weights", "/v1/points/ids"]


def test_points_are_the_cloud_and_may_be_kept(client, snapshot):
    answer = client.get("/v1/points")
    assert answer.content == PointCloud(snapshot).encode()
    assert struct.unpack_from("<4s", answer.content)[0] == b"KATP"
    assert answer.headers["x-snapshot-id"] == snapshot.snapshot_id
    assert answer.headers["cache-control"] == "private, no-cache"
    again = client.get("/v1/points", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    named = client.get("/v1/points", params={"snapshot": snapshot.snapshot_id})
    assert "immutable" in named.headers["cache-control"]


def test_meta_clusters_and_previews_go_with_the_points(client, snapshot):
    meta = client.get("/v1/points/meta").json()
    assert meta["num_points"] == len(IDS)
    labels = client.get("/v1/points/clusters").content
    assert len(labels) == meta["cluster_label_bytes"] * len(IDS)
    previews = client.get("/v1/points/previews/0").json()
    assert sorted(previews["ids"]) == sorted(IDS)
    point = client.get(f"/v1/prompts/{IDS[7]}").json()["point"]
    assert previews["ids"][point] == IDS[7]


@pytest.mark.parametrize("path", ["/v1/points/meta", "/v1/points/clusters", "/v1/points/previews/0"])
def test_what_goes_with_the_points_may_be_kept_for_ever_when_the_snapshot_is_named(client, made, path):
    answer = client.get(path, params={"snapshot": made.older})
    assert "immutable" in answer.headers["cache-control"]
    known = {"If-None-Match": answer.headers["etag"]}
    assert client.get(path, params={"snapshot": made.older}, headers=known).status_code == 304
    assert client.get(path, headers=known).status_code == (304 if path == "/v1/points/clusters" else 200)


def test_clusters_come_compressed_for_who_takes_that_and_are_the_same(client):
    plain = client.get("/v1/points/clusters", headers={"Accept-Encoding": "identity"})
    packed = client.get("/v1/points/clusters", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content  # the client has unpacked it
    assert packed.headers["etag"] != plain.headers["etag"]
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(("chunk", "status"), [("1", 404), ("-1", 422), ("99999999999999999999", 422), ("a", 422)])
def test_chunks_that_are_not_there(client, chunk, status):
    assert client.get(f"/v1/points/previews/{chunk}").status_code == status


def test_ids_and_weights_stand_in_the_order_of_the_points(client, snapshot):
    keys = np.frombuffer(client.get("/v1/points/ids").content, "<u8")
    ids = [f"{key:016x}" for key in keys.tolist()]
    assert ids == client.get("/v1/points/previews/0").json()["ids"]
    weights = np.frombuffer(client.get("/v1/points/weights").content, "<f4")
    told = client.post("/v1/weights", json={"ids": ids}).json()["weights"]
    np.testing.assert_allclose(weights, [record["loss_weight"] for record in told], rtol=1e-6)


@pytest.mark.parametrize("path", BYTES)
def test_any_range_of_the_bytes_may_be_asked_for(client, path):
    whole = client.get(path, headers={"Accept-Encoding": "identity"})
    size = len(whole.content)
    assert whole.headers["accept-ranges"] == "bytes"
    for asked, first, last in [
        ("0-31", 0, 31),
        ("32-", 32, size - 1),
        ("-8", size - 8, size - 1),
        ("5-9999", 5, size - 1),
    ]:
        part = client.get(path, headers={"Range": f"bytes={asked}"})
        assert (part.status_code, part.content) == (206, whole.content[first : last + 1])
        assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert part.headers["etag"] == whole.headers["etag"]
    assert client.get(path, headers={"Range": f"bytes={size}-"}).status_code == 416


def test_a_range_of_other_bytes_than_the_client_has_is_the_whole(client):
    whole = client.get("/v1/points")
    asked = {"Range": "bytes=0-31", "If-Range": whole.headers["etag"]}
    assert client.get("/v1/points", headers=asked).status_code == 206
    assert client.get("/v1/points", headers={**asked, "If-Range": '"0123"'}).content == whole.content


def test_another_snapshot_is_placed_in_the_map(client, made):
    answer = client.get("/v1/points/comparison", params={"with": made.older})
    assert answer.status_code == 200
    fields = struct.unpack_from("<4sHHIIII8s", answer.content)
    assert fields == (b"KATC", 1, 12, len(IDS), len(IDS), len(IDS), 0, bytes.fromhex(made.older))
    known = {"If-None-Match": answer.headers["etag"]}
    assert client.get("/v1/points/comparison", params={"with": made.older}, headers=known).status_code == 304
    named = client.get("/v1/points/comparison", params={"with": made.older, "snapshot": made.current})
    assert "immutable" in named.headers["cache-control"]


@pytest.mark.parametrize(("other", "status"), [("0" * 16, 404), ("x", 422), (None, 422)])
def test_a_comparison_needs_a_snapshot_that_is_there(client, other, status):
    asked = {} if other is None else {"with": other}
    assert client.get("/v1/points/comparison", params=asked).status_code == status
