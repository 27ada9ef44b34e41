from __future__ import annotations

import struct

import pytest

from kat_ray.snapshot.point_cloud import PointCloud
from tests.serve.corpus import IDS, TEXTS


def test_one_prompt_and_its_neighbors(client, made):
    prompt = client.get(f"/v1/prompts/{IDS[7]}").json()
    assert (prompt["text"], prompt["snapshot_id"]) == (TEXTS[7], made.current)
    near = client.get(f"/v1/prompts/{IDS[7]}/neighbors", params={"limit": 3}).json()
    assert len(near["neighbors"]) == 3
    assert IDS[7] not in [entry["id"] for entry in near["neighbors"]]


def test_text_of_a_prompt_is_only_ever_data(client):
    """Markup and control characters come back as JSON strings that no browser takes for a page."""
    answer = client.get(f"/v1/prompts/{IDS[57]}")
    assert answer.json()["text"] == TEXTS[57]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert b"\x1b" not in answer.content


@pytest.mark.parametrize(("identifier", "status"), [("0" * 16, 404), ("A" * 16, 422), ("short", 422), ("%00", 422)])
def test_an_id_that_is_unknown_or_none(client, identifier, status):
    for path in (f"/v1/prompts/{identifier}", f"/v1/prompts/{identifier}/neighbors"):
        assert client.get(path).status_code == status


def test_limits_of_neighbors(client):
    for limit in ("0", "1001", "x", "-1"):
        assert client.get(f"/v1/prompts/{IDS[0]}/neighbors", params={"limit": limit}).status_code == 422


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


@pytest.mark.parametrize(("chunk", "status"), [("1", 404), ("-1", 422), ("99999999999999999999", 422), ("a", 422)])
def test_chunks_that_are_not_there(client, chunk, status):
    assert client.get(f"/v1/points/previews/{chunk}").status_code == status
