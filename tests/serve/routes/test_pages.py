from __future__ import annotations

import json
from pathlib import Path

import pytest

from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from serve.messages.pages import SeedsFile
from tests.serve.corpus import IDS


@pytest.fixture
def viewer(tmp_path: Path) -> Path:
    """A built viewer, with a secret beside it."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>map</title>")
    (folder / "assets" / "main.js").write_text("draw()")
    (tmp_path / "secret.txt").write_text("nobody may read this")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


def test_the_viewer_is_served_once_it_is_built(made, start, viewer):
    page = viewer / "index.html"
    built = page.read_text()
    page.unlink()
    asked = start(made.store, viewer_folder=str(viewer))
    missing = asked.get("/viz")
    assert missing.status_code == 404
    assert missing.json()["detail"].startswith("3D visualization not found")
    assert "npm" in missing.json()["detail"]
    page.write_text(built)
    assert asked.get("/viz").text == asked.get("/viz/").text == built
    script = asked.get("/viz/assets/main.js")
    assert (script.text, "javascript" in script.headers["content-type"]) == ("draw()", True)


@pytest.mark.parametrize(("root_path", "viz"), [("", "/viz"), ("/kat", "/kat/viz")])
def test_the_start_leads_to_the_viewer_behind_a_prefix_too(made, start, viewer, root_path, viz):
    asked = start(made.store, viewer_folder=str(viewer))
    asked.app.root_path = root_path
    first = asked.get(f"{root_path}/", follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (307, "viz")
    page = asked.get(f"{root_path}/")
    assert (page.status_code, page.url.path) == (200, viz)


@pytest.mark.parametrize(
    "path", ["../secret.txt", "%2e%2e/secret.txt", "/etc/passwd", "assets/../../secret.txt", "link.txt"]
)
def test_nothing_outside_of_the_viewer_is_served(made, start, viewer, path):
    answer = start(made.store, viewer_folder=str(viewer)).get(f"/viz/{path}")
    assert answer.status_code == 404
    assert "nobody" not in answer.text


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
