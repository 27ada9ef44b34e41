"""The README's own commands, run in order in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


def _blocks(language: str) -> list[str]:
    text = (CHECKOUT / "README.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme")


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "HF_HUB_OFFLINE": "1"}
    environment = {name: value for name, value in environment.items() if not name.startswith("RAY_")}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )


def test_the_commands_of_the_readme_run_as_they_stand(folder: Path) -> None:
    _run([sys.executable, "-m", "jobs.demonstrate", "--out", "demo/pairs.jsonl", "--rows", "600"], folder)
    commands = [line for block in _blocks("sh") for line in block.splitlines() if line.startswith("python -m jobs.")]
    assert len(commands) >= 4
    for command in commands:
        done = _run([sys.executable, *command.split()[1:]], folder)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert '"ok": true' in done.stdout.splitlines()[-1]


def test_the_python_of_the_readme_runs_on_what_the_commands_made(folder: Path) -> None:
    for block in _blocks("python"):
        done = _run([sys.executable, "-W", "error", "-c", block], folder)
        assert done.returncode == 0, done.stderr
