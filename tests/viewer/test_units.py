"""The viewer's own tests of its pure modules (viewer/tests), by vitest."""

from __future__ import annotations

import subprocess

from tests.viewer.conftest import CHECKOUT


def test_the_units_of_the_viewer(built):
    command = ["npm", "test", "--silent"]
    done = subprocess.run(
        command, cwd=CHECKOUT / "viewer", capture_output=True, text=True, timeout=240, check=False, errors="replace"
    )
    assert done.returncode == 0, done.stdout + done.stderr
