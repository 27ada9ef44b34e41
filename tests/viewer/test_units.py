"""The viewer's own tests of its modules (viewer/tests), by vitest, and how much of it there is to load."""

from __future__ import annotations

import gzip
import subprocess

from tests.viewer.conftest import CHECKOUT


def test_the_units_of_the_viewer(built):
    command = ["npm", "test", "--silent"]
    done = subprocess.run(
        command, cwd=CHECKOUT / "viewer", capture_output=True, text=True, timeout=240, check=False, errors="replace"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_scripts_together_are_small(built):
    scripts = (CHECKOUT / "viewer" / "dist" / "assets").glob("*.js")
    assert 30_000 < sum(len(gzip.compress(script.read_bytes())) for script in scripts) <= 160_000
