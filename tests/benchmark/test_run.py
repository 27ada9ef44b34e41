"""One run of parts: what cannot be measured fails and costs the others nothing, and nothing is measured twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import benchmark.run
from benchmark.corpus import Corpus
from benchmark.figures.clock import Clock
from benchmark.figures.findings import Findings
from benchmark.figures.measure import Measure
from benchmark.names import PARTS
from benchmark.parts.whole_build import measure_build
from benchmark.run import Run
from benchmark.sizes import Sizes
from kat_ray.errors import ResourceError

SMALL = Sizes(rows=400)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(Corpus(tmp_path, sizes=SMALL, encoder="hashing"), Clock())


def test_a_part_is_measured_once(run, monkeypatch):
    calls = []
    monkeypatch.setattr(benchmark.run, "measure_overhead", lambda corpus: calls.append(corpus) or Findings())
    assert run.findings("overhead") is run.findings("overhead")
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ResourceError("No instructions for it."), "No instructions for it."),
        (ModuleNotFoundError("", name="faiss"), "faiss is not installed; run: pip install -e '.[benchmark]'"),
        (ZeroDivisionError("by nothing"), "Unexpected ZeroDivisionError: by nothing"),
    ],
)
def test_what_goes_wrong_is_a_bar_that_fails(run, monkeypatch, error, told):
    def fail(corpus: Corpus) -> Findings:
        raise error

    monkeypatch.setattr(benchmark.run, "measure_overhead", fail)
    [one] = run.findings("overhead").told()
    assert (one.name, one.passed, one.note) == ("overhead", False, told)


def test_a_build_that_fails_is_tried_once_and_fails_all_parts_that_need_it(tmp_path, monkeypatch):
    builds = []

    def fail(*arguments: object) -> None:
        builds.append(arguments)
        raise ResourceError("The build failed: no room.")

    monkeypatch.setattr("benchmark.corpus.run_build", fail)
    run = Run(Corpus(tmp_path, sizes=SMALL), Clock())
    parts = [run.findings(part).told()[0] for part in ("exact", "memory", "growth", "draws")]
    assert [one.passed for one in parts] == [False] * 4
    assert {one.note for one in parts} == {"The build failed: no room."}
    assert len(builds) == 1


def test_every_part_has_its_way(run):
    assert list(run._ways()) == list(PARTS)


class _Fixed:
    """A build of 100 prompts in 100 seconds, against a recipe of 1,000 seconds; the fast one takes as long."""

    num_prompts, weights = 100, np.arange(100.0)
    pairs, folder, encoder = "pairs.jsonl", Path("folder"), "hashing"
    seconds, stages = 100.0, {"embeddings": 60.0, "neighbors": 30.0}

    @property
    def built(self) -> _Fixed:
        return self

    snapshot = built


class _Reversed(_Fixed):
    weights = -np.arange(100.0)


@pytest.fixture
def recipe(monkeypatch):
    monkeypatch.setattr("benchmark.parts.whole_build._recipe", lambda *_: (1000.0, ""))


@pytest.mark.usefixtures("recipe")
@pytest.mark.parametrize("doubted", [None, "embed", "int8", "exact", "approximate", "layout"])
def test_a_build_is_as_good_as_its_parts(monkeypatch, doubted):
    monkeypatch.setattr("benchmark.parts.whole_build.run_build", lambda *_: _Fixed())
    found = {part: Findings(numbers={"per_second": 10.0, "seconds": 10.0}) for part in PARTS}
    if doubted:
        found[doubted].gate(Measure.at_least("quality", "", 0.5, 0.9))
    exact, fast, same = measure_build(_Fixed(), None, found.__getitem__).told()
    assert (exact.ours, fast.ours, same.ours) == (100.0, 100.0, pytest.approx(1.0))
    assert exact.passed is (doubted not in ("embed", "exact", "layout"))
    assert fast.passed is (doubted not in ("int8", "approximate", "layout"))


@pytest.mark.usefixtures("recipe")
def test_a_fast_build_with_other_weights_does_not_hold(monkeypatch):
    monkeypatch.setattr("benchmark.parts.whole_build.run_build", lambda *_: _Reversed())
    exact, fast, same = measure_build(_Fixed(), None, lambda _: Findings()).told()
    assert (exact.passed, fast.passed, same.passed) == (True, False, False)
