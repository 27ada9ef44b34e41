"""The benchmark as a command: an exit code that a build can go by, and the names of bars that do not hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import benchmark.map
from benchmark.measure import Measure
from jobs.benchmark import BenchmarkOptions, run
from jobs.command import run_job

HELD = Measure.at_most("seconds until the map stands", "s", 1.0, 2.0)
STATED = Measure.less("heap", "MiB", 5.0, 25.0)
UNMET = Measure.at_least("picked", "%", 90.0, 98.0)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Measure]:
    """What the map is found to do."""
    found: list[Measure] = []
    monkeypatch.setattr(benchmark.map, "measure_map", lambda snapshot: found)
    return found


def _line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    line: dict[str, object] = json.loads(capsys.readouterr().out)
    return line


def test_where_all_bars_hold_the_exit_code_is_0(measured, capsys):
    measured += [HELD, STATED]
    assert run_job("benchmark", BenchmarkOptions, run, "", ["--snapshot", "store"]) == 0
    told = {"parts": ["map"], "bars": 1, "held": 1, "failed": [], "json": None}
    assert _line(capsys) == {"job": "benchmark", "ok": True, **told}


def test_a_bar_that_does_not_hold_is_named_and_the_figures_are_written(measured, capsys, tmp_path):
    measured += [HELD, STATED, UNMET]
    file = tmp_path / "figures.json"
    assert run_job("benchmark", BenchmarkOptions, run, "", ["--snapshot", "store", "--json", str(file)]) == 1
    line = _line(capsys)
    assert (line["ok"], line["bars"], line["held"], line["failed"]) == (False, 2, 1, ["picked"])
    assert line["error"] == "1 of 2 bars do not hold: picked."
    assert [one["name"] for one in json.loads(Path(file).read_text())["parts"]["map"]][-1] == "picked"
