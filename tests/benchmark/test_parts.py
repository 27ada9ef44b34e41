"""Parts on a small corpus, as they run on a large one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.baselines import Baselines
from benchmark.corpus import Corpus
from benchmark.figures.clock import Clock
from benchmark.parts.graphs import measure_exact
from benchmark.parts.layouts import measure_layout
from benchmark.run import Run
from benchmark.servers.redis_server import has_redis
from benchmark.sizes import Sizes

SIZES = Sizes(rows=1_500, brute=400, seeded=400, truth=60, minute=250, small=50, draws=60_000, lookups=500)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Built once, as `python -m jobs.build` does it."""
    return Corpus(tmp_path_factory.mktemp("corpus"), sizes=SIZES, encoder="hashing")


def test_the_corpus_is_built_and_its_texts_are_those_of_its_prompts(corpus):
    assert corpus.snapshot.num_prompts == corpus.built.line["prompts"] == len(corpus.texts) > 1_000
    assert corpus.built.seconds > sum(corpus.built.stages.values()) / 2
    assert corpus.built.peak_bytes > 1e8
    assert len(set(corpus.sample(300))) == 300


def test_the_exact_graph_is_judged_and_compared(corpus):
    found = measure_exact(corpus, Baselines(corpus))
    by_name = {one.name: one for one in found.told()}
    assert by_name["exact graph, recall@15"].ours == 1.0
    assert "from 400 rows, quadratic" in by_name["exact graph"].note
    assert not found.doubts


def test_a_damaged_graph_is_refused(corpus, monkeypatch):
    damaged = np.array(corpus.snapshot.neighbor_indices)
    damaged[::2, 3] = damaged[::2, 2]
    monkeypatch.setitem(corpus.snapshot._arrays, "neighbor_indices", damaged)
    told = measure_exact(corpus, Baselines(corpus)).told()
    assert not [one.name for one in told if one.passed]


@pytest.mark.long
@pytest.mark.parametrize("part", ["approximate", "overhead", "growth", "memory", "draws", "http"])
def test_each_part_finds_its_quality_good(corpus, part):
    found = Run(corpus, Clock()).findings(part)
    assert found.measures
    assert not found.doubts
    assert not [one for one in found.measures if one.bar == "measured"]


@pytest.mark.long
def test_layouts_are_compared_by_one_measure(corpus):
    by_name = {one.name: one for one in measure_layout(corpus, Baselines(corpus)).measures}
    assert by_name["layout, given the graph"].ours == corpus.built.stages["layout"]
    assert by_name["layout, trustworthiness"].ours == pytest.approx(0.95, abs=0.04)
    assert by_name["layout, outliers"].passed


@pytest.mark.long
@pytest.mark.skipif(not has_redis(), reason="no redis-server")
def test_redis_answers_with_the_weights(corpus):
    names = [one.name for one in Run(corpus, Clock()).findings("http").measures]
    assert "Ray Serve, against Redis MGET" in names


def test_the_first_pairs_have_so_many_prompts(corpus: Corpus, tmp_path: Path):
    first = Corpus(tmp_path, corpus.first_pairs(40), sizes=SIZES)
    assert first.texts == corpus.texts[:40]
