"""The benchmark as a command: an exit code that a build can go by, and the names of bars that do not hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import benchmark.run
from benchmark.figures.findings import Findings
from benchmark.figures.measure import Measure
from benchmark.names import PARTS
from jobs.benchmark import BenchmarkOptions, run
from jobs.command import run_job

HELD = Measure.at_most("seconds until the map stands", "s", 1.0, 2.0)
STATED = Measure.less("heap", "MiB", 5.0, 25.0)
UNMET = Measure.at_least("picked", "%", 90.0, 98.0)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Findings:
    """What each part is found to do."""
    found = Findings()
    monkeypatch.setattr(benchmark.run.Run, "findings", lambda self, part: found)
    return found


def _line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    line: dict[str, object] = json.loads(capsys.readouterr().out)
    return line


def _run(*arguments: str) -> int:
    return run_job("benchmark", BenchmarkOptions, run, "", arguments)


def test_where_all_bars_hold_the_exit_code_is_0(measured, capsys):
    measured.measures += [HELD, STATED]
    assert _run("--only", "map") == 0
    told = {"parts": ["map"], "bars": 1, "held": 1, "failed": [], "json": None}
    assert _line(capsys) == {"job": "benchmark", "ok": True, **told}


def test_a_snapshot_that_is_not_there_is_told_before_anything_is_measured(measured, capsys, tmp_path):
    measured.measures += [HELD]
    assert _run("--only", "map", "--snapshot", str(tmp_path / "nope")) == 1
    assert "There is no snapshot at" in str(_line(capsys)["error"])


def test_a_bar_that_does_not_hold_is_named_and_the_figures_are_written(measured, capsys, tmp_path):
    measured.measures += [HELD, STATED, UNMET]
    file = tmp_path / "figures.json"
    assert _run("--only", "map", "--json", str(file)) == 1
    line = _line(capsys)
    assert (line["ok"], line["bars"], line["held"], line["failed"]) == (False, 2, 1, ["picked"])
    assert line["error"] == "1 of 2 bars do not hold: picked."
    written = json.loads(Path(file).read_text())
    assert [one["name"] for one in written["parts"]["map"]][-1] == "picked"
    assert {"machine", "seconds", "part_seconds", "parts"} == set(written)
    assert {"processor", "versions", "commit"} <= set(written["machine"])


def test_a_doubt_refuses_the_bars_of_its_part(measured, capsys):
    measured.measures += [HELD]
    measured.expect(False, "Nothing is drawn.")
    assert _run("--only", "map") == 1
    assert _line(capsys)["failed"] == [HELD.name]


def test_all_parts_are_measured_by_default(measured, capsys):
    measured.measures += [HELD]
    assert _run() == 0
    assert _line(capsys)["parts"] == list(PARTS)
