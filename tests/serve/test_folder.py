"""Private folders outlive nobody."""

from __future__ import annotations

import subprocess
import sys

import pytest

from serve.folder import PrivateFolder, remove_abandoned
from tests.serve.process import CHECKOUT

KILLED = """
import os, signal
from serve.folder import PrivateFolder
folder = PrivateFolder()
(folder() / "file").write_text("left")
print(folder(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_a_folder_is_for_its_owner_alone_and_goes_with_it(tmp_path):
    folder = PrivateFolder()
    (folder() / "file").touch()
    assert folder().stat().st_mode & 0o077 == 0
    del folder
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_removed_is_made_anew():
    folder = PrivateFolder()
    first = folder()
    first.rmdir()
    assert folder().is_dir()
    assert folder() == folder() != first


def test_folders_of_killed_processes_are_removed_and_those_of_living_ones_are_not(tmp_path):
    (tmp_path / "kat-ray-served-link").symlink_to(CHECKOUT)
    mine = PrivateFolder()
    subprocess.run([sys.executable, "-c", KILLED], cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=False)
    assert len(list(tmp_path.iterdir())) == 3
    remove_abandoned()
    assert {path.name for path in tmp_path.iterdir()} == {mine().name, "kat-ray-served-link"}
