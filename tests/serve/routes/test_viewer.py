from __future__ import annotations

import gzip
from pathlib import Path

import pytest

HTML = {"Accept": "text/html,*/*;q=0.8"}
PAGE = '<!doctype html><title>map</title><script src="./assets/main-1a2b.js"></script>'


@pytest.fixture
def viewer(tmp_path: Path) -> Path:
    """A built viewer, with a secret beside it."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "assets" / "main-1a2b.js").write_text("draw()")
    (folder / "assets" / "main-1a2b.js.gz").write_bytes(gzip.compress(b"draw()"))
    (folder / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("nobody may read this")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


def test_the_viewer_is_served_once_it_is_built(made, start, viewer):
    (viewer / "index.html").unlink()
    asked = start(made.store, viewer_folder=str(viewer))
    missing = asked.get("/viz")
    assert missing.status_code == 404
    assert missing.json()["detail"].startswith("3D visualization not found")
    assert "make viewer" in missing.json()["detail"]
    assert asked.get("/viz/assets/main-1a2b.js").status_code == 404
    (viewer / "index.html").write_text(PAGE)
    assert asked.get("/viz").status_code == 200


def test_a_browser_is_shown_a_page_where_the_viewer_is_not_built(made, start, tmp_path):
    missing = start(made.store, viewer_folder=str(tmp_path)).get("/viz", headers=HTML)
    assert missing.status_code == 404
    assert missing.headers["content-type"].startswith("text/html")
    assert "<h1>3D visualization not found</h1>" in missing.text
    assert "<code>make viewer</code>" in missing.text


@pytest.mark.parametrize("place", ["/viz", "/viz/"])
def test_the_files_of_the_page_are_found_from_both_of_its_addresses(made, start, viewer, place):
    asked = start(made.store, viewer_folder=str(viewer))
    page = asked.get(place, headers=HTML)
    assert page.headers["cache-control"] == "no-cache"
    named = page.text.partition('src="')[2].partition('"')[0]
    script = asked.get(str(page.url.join(named)))
    assert (script.text, "javascript" in script.headers["content-type"]) == ("draw()", True)


def test_hashed_files_are_kept_for_ever_and_come_compressed_to_who_takes_it(made, start, viewer):
    asked = start(made.store, viewer_folder=str(viewer))
    for encoding in ("gzip", "identity"):
        script = asked.get("/viz/assets/main-1a2b.js", headers={"Accept-Encoding": encoding})
        assert script.text == "draw()"
        assert script.headers.get("content-encoding", "identity") == encoding
        assert script.headers["content-type"].startswith("text/javascript")
        assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert script.headers["vary"] == "Accept-Encoding"
    assert asked.get("/viz/icon.svg").headers["cache-control"] == "no-cache"


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
