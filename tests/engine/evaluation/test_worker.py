"""One encoder, or ready vectors in its place, from file to verdict; without a cluster."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.loading import load_encoder
from kat_ray.engine.evaluation.candidates import Candidate
from kat_ray.engine.evaluation.options import Drawing
from kat_ray.engine.evaluation.prompts import PromptSample
from kat_ray.engine.evaluation.subject import PairSubject, Subject, TextSubject
from kat_ray.engine.evaluation.worker import Found, evaluate_candidate, with_texts
from kat_ray.evaluation.rarity import prompt_weights
from kat_ray.geometry.weights import WeightConfig
from kat_ray.storage import Location

HASHING = Candidate("hashing", "hashing", EncoderConfig("hashing", device="cpu"))
NO_MAPS = Drawing(skip_tsne=True, skip_umap=True)
PLOTS = ["similarity_distribution.png", "similarity_heatmap.png", "top_k_predictions.png"]


def run(
    candidate: Candidate,
    subject: Subject,
    folder: Path,
    drawing: Drawing = NO_MAPS,
    sample: PromptSample | None = None,
    batch_size: int = 32,
) -> tuple[Found, list[int | str]]:
    """What was found, and the steps before."""
    *steps, found = evaluate_candidate(candidate, subject, drawing, sample, Location(str(folder)), batch_size)
    assert isinstance(found, Found)
    return found, [step for step in steps if not isinstance(step, Found)]


def vectors_of(count: int, noise: float, seed: int = 1) -> dict[str, torch.Tensor]:
    """Queries that are near their own document, or not."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(count, 64))
    both = [centres + noise * random.normal(size=centres.shape) for _ in range(2)]
    return {name: torch.from_numpy(rows).float() for name, rows in zip(("query", "positive"), both, strict=True)}


def pairs(count: int) -> PairSubject:
    """So many, of which no two documents are equal."""
    return PairSubject(count, np.arange(count))


def save(path: Path, content: dict[str, torch.Tensor]) -> Candidate:
    torch.save(content, path)
    return Candidate(path.name, str(path), vectors=str(path))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty questions with answers, one row that cannot be used, and one question twice."""
    rows: list[dict[str, Any]] = [
        {"query": f"what is thing {n}?", "pos": f"thing {n} is the answer"} for n in range(40)
    ]
    rows[7:7] = [{"query": " ", "pos": "x"}, {"query": "what is thing 3?", "pos": "another answer", "hard_neg": "no"}]
    path = tmp_path_factory.mktemp("data") / "data.json"
    path.write_text(json.dumps(rows))
    return path


def test_every_text_is_a_step_and_every_stage_is_named(data: Path, tmp_path: Path) -> None:
    found, steps = run(HASHING, TextSubject.of(str(data), 500)[0], tmp_path, batch_size=16)
    assert [step for step in steps if isinstance(step, int)] == [16, 16, 8, 16, 16, 10]
    assert [step for step in steps if isinstance(step, str)] == ["loading", "scores", "plots"]
    assert sorted(found.files) == sorted(path.name for path in tmp_path.iterdir()) == PLOTS
    details = found.evaluated.report.details
    assert (details["model"], details["precision"], details["texts cut"]) == ("hashing", "float32", 0)


def test_texts_do_not_travel_and_can_be_put_back(data: Path, tmp_path: Path) -> None:
    subject = TextSubject.of(str(data), 500)[0]
    found, _ = run(HASHING, subject, tmp_path)
    assert found.evaluated.report.texts is None
    texts, _ = subject.read()
    assert with_texts(found, texts).report.texts is texts


def test_scores_are_those_of_the_vectors_of_the_encoder(data: Path, tmp_path: Path) -> None:
    subject = TextSubject.of(str(data), 10)[0]
    texts, relevance = subject.read()
    encoder = load_encoder(EncoderConfig("hashing", device="cpu"))
    queries, documents = (encoder.encode(encoder.tokenize(part)) for part in (texts.queries, texts.documents))
    found, _ = run(HASHING, subject, tmp_path, batch_size=3)
    expected = (queries * documents[relevance.own_rows]).sum(axis=1)
    np.testing.assert_allclose(found.evaluated.report.scores.own_similarities, expected, atol=1e-5)


def test_a_planted_set_passes_all_seven_items_and_one_by_chance_fails(tmp_path: Path) -> None:
    for noise, verdict, passed in ((0.2, "ready", 7), (50.0, "not ready", 1)):
        candidate = save(tmp_path / "v.pt", vectors_of(60, noise))
        found, steps = run(candidate, pairs(60), tmp_path / "out", Drawing())
        judgment = found.evaluated.report.judgment
        assert judgment.verdict == verdict, judgment.reason
        assert sum(item.passed is True for item in judgment.items) >= passed
        assert steps == ["scores", "t-SNE", "UMAP", "plots"]
        assert set(found.files) == {*PLOTS, "tsne_projection.png", "umap_projection.png"}


@pytest.mark.parametrize("hidden", ["umap", "openTSNE"])
def test_a_map_that_cannot_be_drawn_is_left_out_with_a_notice(
    hidden: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [*(name for name in sys.modules if name.split(".")[0] == hidden), hidden]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "kat_ray.geometry.layout_epochs", raising=False)
    candidate = save(tmp_path / "v.pt", vectors_of(30, 0.2))
    found, _ = run(candidate, pairs(30), tmp_path / "out", Drawing())
    (notice,) = found.notices
    assert notice.startswith({"umap": "UMAP", "openTSNE": "t-SNE"}[hidden] + " is left out: ")
    assert "cannot be imported" in notice
    assert len(found.files) == 4
    assert found.evaluated.report.judgment.verdict == "ready"


def test_without_maps_nothing_is_said_of_clusters_and_plots_of_an_earlier_run_go(tmp_path: Path) -> None:
    candidate = save(tmp_path / "v.pt", vectors_of(30, 0.2))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "tsne_projection.png").write_bytes(b"old")
    (tmp_path / "out" / "own.txt").write_bytes(b"kept")
    found, _ = run(candidate, pairs(30), tmp_path / "out")
    assert found.evaluated.report.judgment.verdict == "undecided"
    assert not found.notices
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(["own.txt", *PLOTS])


@pytest.mark.parametrize(
    ("queries", "documents"), [(torch.ones(40, 8), torch.ones(40, 8)), (torch.ones(1, 8), torch.ones(1, 8))]
)
def test_vectors_that_tell_nothing_give_a_result_and_not_ready(
    queries: torch.Tensor, documents: torch.Tensor, tmp_path: Path
) -> None:
    candidate = save(tmp_path / "v.pt", {"query": queries, "positive": documents})
    found, _ = run(candidate, pairs(len(queries)), tmp_path / "out", Drawing())
    assert found.evaluated.report.judgment.verdict != "ready"
    assert len(found.files) == 5


def test_ready_vectors_follow_the_order_of_the_texts_and_the_first_ones_count(data: Path, tmp_path: Path) -> None:
    encoder = load_encoder(EncoderConfig("hashing", device="cpu"))
    _, whole = TextSubject.of(str(data), 500)
    made = [torch.from_numpy(encoder.encode(encoder.tokenize(part))) for part in (whole.queries, whole.documents)]
    candidate = save(tmp_path / "v.pt", dict(zip(("query", "positive"), made, strict=True)))
    ready, encoded = (run(one, TextSubject.of(str(data), 12)[0], tmp_path / "out")[0] for one in (candidate, HASHING))
    expected = encoded.evaluated.report.scores.own_similarities
    np.testing.assert_allclose(ready.evaluated.report.scores.own_similarities, expected, atol=1e-6)


class Prompts:
    """A sample of prompts that no snapshot has to hold."""

    num_prompts = 30
    weighting = WeightConfig()

    def __init__(self, own: EncoderConfig) -> None:
        self.encoder = load_encoder(own).identity

    def texts(self) -> list[str]:
        return [f"prompt {number} of the sample" for number in range(30)]

    def vectors(self) -> np.ndarray:
        raise AssertionError("the vectors of another encoder were read")

    def weigh(self, vectors: np.ndarray) -> np.ndarray:
        return prompt_weights(vectors, 5, self.weighting)


def test_prompts_are_weighed_by_the_encoder_unless_it_is_the_snapshot_s_own(data: Path, tmp_path: Path) -> None:
    subject = TextSubject.of(str(data), 10)[0]
    others: Any = Prompts(EncoderConfig("hashing", device="cpu", token_limit=4))
    found, steps = run(HASHING, subject, tmp_path, sample=others)
    encoder = load_encoder(EncoderConfig("hashing", device="cpu"))
    vectors = encoder.encode(encoder.tokenize(others.texts()))
    np.testing.assert_allclose(found.weights, others.weigh(vectors), rtol=1e-6)
    assert "who is rare" in steps
    own: Any = Prompts(EncoderConfig("hashing", device="cpu"))
    with pytest.raises(AssertionError, match="were read"):
        run(HASHING, subject, tmp_path, sample=own)
