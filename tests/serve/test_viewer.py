"""The built viewer is looked for where it is named, in the checkout, and in the installed package."""

from __future__ import annotations

from pathlib import Path

import pytest

from serve import viewer
from serve.viewer import find_viewer, render_missing


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The folder of the checkout's viewer and that of the package, both without one."""
    monkeypatch.setattr(viewer, "_CHECKOUT", tmp_path / "dist")
    monkeypatch.setattr(viewer, "_installed", lambda: (tmp_path / "package",))
    return tmp_path / "dist", tmp_path / "package"


def build(folder: Path) -> Path:
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html>")
    return folder


def test_the_checkouts_own_comes_before_the_packages(places):
    assert find_viewer(None) is None
    package = build(places[1])
    assert find_viewer(None) == package
    checkout = build(places[0])
    assert find_viewer(None) == checkout


def test_a_named_folder_is_the_only_one_looked_at(places, tmp_path):
    build(places[0])
    assert find_viewer(str(tmp_path / "other")) is None
    assert find_viewer(str(build(tmp_path / "other"))) == tmp_path / "other"


def test_the_page_that_says_what_is_missing_fetches_nothing():
    page = render_missing()
    assert "://" not in page
    assert "<script" not in page
