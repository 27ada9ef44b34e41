from __future__ import annotations

import json

from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from serve.messages.pages import SeedsFile
from tests.serve.corpus import IDS


def test_the_seeds_file_comes_packed_or_plain_and_is_known_again(client, made):
    packed = client.get("/api/embeddings_3d", headers={"Accept-Encoding": "gzip"})
    plain = client.get("/api/embeddings_3d", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json() == json.loads(plain.content)
    assert [point.id for point in SeedsFile.model_validate_json(plain.content).points] == IDS
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == "Accept-Encoding"
    assert packed.headers["x-snapshot-id"] == made.current
    for answer, encoding in ((packed, "gzip"), (plain, "identity")):
        known = {"Accept-Encoding": encoding, "If-None-Match": answer.headers["etag"]}
        again = client.get("/api/embeddings_3d", headers=known)
        assert (again.status_code, again.content) == (304, b"")


def test_the_seeds_file_is_missing_with_their_words(start, tmp_path):
    answer = start(Store(Location(str(tmp_path / "empty")))).get("/api/embeddings_3d")
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("Embedding data not found")
    assert "python -m jobs.build" in answer.json()["detail"]


def test_the_docs_need_nothing_from_elsewhere(client):
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "POST /v1/draws" in page.text
    assert "<script" not in page.text
    assert "://" not in page.text.replace("http://www.w3.org", "")
