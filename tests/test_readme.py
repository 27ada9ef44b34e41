"""The README's own commands, run in order in an empty folder."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


def _blocks(language: str) -> list[str]:
    text = (CHECKOUT / "README.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme")


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "KAT_RAY_"))}
    return {**kept, "PYTHONPATH": str(CHECKOUT), "HF_HUB_OFFLINE": "1", "RAY_worker_niceness": "0"}


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=_environment(), capture_output=True, text=True, timeout=280, check=False
    )


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """The service of the README on what its commands made, at a free port."""
    command = [sys.executable, *_line_of("serve").replace("--port 8000", "--port 0").split()[1:]]
    with subprocess.Popen(command, cwd=folder, env=_environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline() if process.stdout else "")["url"]
        finally:
            process.send_signal(signal.SIGINT)


def _line_of(job: str) -> str:
    lines = [line for block in _blocks("sh") for line in block.splitlines()]
    return next(line for line in lines if line.startswith(f"python -m jobs.{job} "))


def test_the_commands_of_the_readme_run_as_they_stand(folder: Path) -> None:
    _run([sys.executable, "-m", "jobs.demonstrate", "--out", "demo/pairs.jsonl", "--rows", "600"], folder)
    lines = [line for block in _blocks("sh") for line in block.splitlines() if line.startswith("python -m jobs.")]
    commands = [line for line in lines if not line.startswith("python -m jobs.serve ")]
    assert len(commands) >= 6
    for command in commands:
        done = _run([sys.executable, *command.split()[1:]], folder)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert '"ok": true' in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("number", range(len(_blocks("python"))))
def test_the_python_of_the_readme_runs_on_what_the_commands_made(folder: Path, url: str, number: int) -> None:
    script = _blocks("python")[number]
    assert url.startswith("http://127.0.0.1:")
    done = _run([sys.executable, "-c", script.replace("http://127.0.0.1:8000", url)], folder)
    assert done.returncode == 0, done.stderr


def test_the_pictures_of_the_readme_are_there_and_small() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (CHECKOUT / "README.md").read_text())
    assert pictures
    assert all(0 < (CHECKOUT / picture).stat().st_size <= 300_000 for picture in pictures)
