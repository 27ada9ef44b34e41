"""What every job promises: one JSON line, one sentence for a failure, an honest exit code."""

from __future__ import annotations

import os
import runpy
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import tyro

from jobs.command import OptionsError, refuse_relative, run_job, run_service
from kat_ray.errors import InputError

JOBS = Path(__file__).parents[2] / "jobs"


@dataclass(frozen=True)
class Options:
    """Options of a test."""

    count: int
    """How many."""
    loud: bool = False
    """Whether it shouts."""

    def __post_init__(self) -> None:
        if self.count < 0:
            raise InputError(f"--count is {self.count},\nexpected 0 or more.")


def _run(*arguments: str) -> int:
    return run_job("test", Options, lambda options: {"count": options.count}, "Counts.", arguments)


@pytest.mark.parametrize("arguments", [("--count", "3"), ("--count=3",)])
def test_both_spellings_of_an_option_are_read(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(*arguments) == 0
    assert capsys.readouterr().out == '{"job": "test", "ok": true, "count": 3}\n'


def test_a_refused_value_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--count", "-1") == 1
    captured = capsys.readouterr()
    assert captured.out == '{"job": "test", "ok": false, "error": "--count is -1, expected 0 or more."}\n'
    assert captured.err == "jobs.test: --count is -1, expected 0 or more.\n"


def test_options_that_do_not_go_together_end_like_options_that_cannot_be_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(options: Options) -> dict[str, int]:
        raise OptionsError("--count needs --loud.")

    assert run_job("test", Options, refuse, "Counts.", ["--count", "1"]) == 2
    assert capsys.readouterr().out == '{"job": "test", "ok": false, "error": "--count needs --loud."}\n'


@pytest.mark.parametrize("value", ["maybe", "yes", "1"])
def test_booleans_are_strict(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--count", "1", f"--loud={value}") == 2
    assert '"ok": false' in capsys.readouterr().out


@dataclass(frozen=True)
class ManyOptions:
    """Options of every kind."""

    file: tuple[str, ...] = ()
    """Many values."""
    out: Annotated[str, tyro.conf.arg(aliases=["--output", "-o"])] = "here"
    """One value, by three names."""
    max_rows: int = 1
    """One value, by two spellings."""
    loud: bool = False
    """A flag."""


def _run_many(*arguments: str) -> int:
    return run_job("test", ManyOptions, lambda options: {"file": options.file}, "Many.", arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--file a --file b", "--file is given twice; name all of them after one: --file A B."),
        ("--file=a --out x --file b", "--file is given twice; name all of them after one: --file A B."),
        ("--out x --out y", "--out is given twice; give it once."),
        ("--out x --output=y", "--out is given twice; give it once."),
        ("-o x --output y", "--out is given twice; give it once."),
        ("--max-rows 1 --max_rows=2", "--max-rows is given twice; give it once."),
        ("--loud --no-loud", "--loud is given twice; give it once."),
    ],
)
def test_an_option_that_is_given_twice_is_refused(
    arguments: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run_many(*arguments.split()) == 2
    assert capsys.readouterr().out == f'{{"job": "test", "ok": false, "error": "{sentence}"}}\n'


def test_equal_values_are_no_equal_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run_many("--file", "file", "file", "out", "--out", "out", "--max-rows=1", "--loud") == 0
    assert '"file": ["file", "file", "out"]' in capsys.readouterr().out


def test_an_unexpected_error_is_named_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAT_RAY_TRACEBACK", raising=False)

    def fail(options: Options) -> dict[str, int]:
        return {"share": 1 // options.count}

    assert run_job("test", Options, fail, "Divides.", ["--count", "0"]) == 1
    captured = capsys.readouterr()
    assert "Unexpected ZeroDivisionError" in captured.out
    assert "Traceback" not in captured.err


def test_what_a_job_prints_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    def talk(options: Options) -> dict[str, int]:
        print("prose")
        return {"count": options.count}

    assert run_job("test", Options, talk, "Talks.", ["--count", "1"]) == 0
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 1
    assert captured.err == "prose\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_service_tells_its_line_when_it_is_ready_and_a_signal_ends_it_well(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    before, ended = signal.getsignal(number), []

    def interrupt() -> None:
        while signal.getsignal(number) is before:
            time.sleep(0.001)
        os.kill(os.getpid(), number)

    @contextmanager
    def start(options: Options) -> Iterator[dict[str, int]]:
        threading.Thread(target=interrupt).start()
        yield {"count": options.count}
        print("prose")
        ended.append(True)

    assert run_service("test", Options, start, "Stays.", ["--count", "3"]) == 0
    captured = capsys.readouterr()
    assert captured.out == '{"job": "test", "ok": true, "count": 3}\n'
    assert captured.err.splitlines()[-1] == "prose"
    assert ended
    assert signal.getsignal(number) is before


def test_a_service_that_cannot_start_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    @contextmanager
    def start(options: Options) -> Iterator[dict[str, int]]:
        raise InputError("There is nothing to serve.")
        yield {}

    assert run_service("test", Options, start, "Stays.", ["--count", "3"]) == 1
    assert capsys.readouterr().out == '{"job": "test", "ok": false, "error": "There is nothing to serve."}\n'


def test_a_signal_before_a_job_is_done_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def end(options: Options) -> dict[str, int]:
        raise SystemExit(int(signal.SIGTERM))  # as Ray does while it starts

    assert run_job("test", Options, end, "Ends.", ["--count", "3"]) == signal.SIGTERM
    assert "Ended by a signal" in capsys.readouterr().out


def test_relative_paths_are_refused_in_a_submitted_job_only(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_relative("store", None)
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    refuse_relative("/absolute/store", "s3://bucket/store", None)
    with pytest.raises(InputError, match="s3://bucket/folder"):
        refuse_relative("store")


def test_all_jobs_are_listed_with_what_they_do(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module("jobs", run_name="__main__")
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:] if not line.startswith(" ")]
    assert listed == sorted(
        path.stem for path in JOBS.glob("*.py") if path.read_text().count("raise SystemExit(run_") == 1
    )
