"""The job with the seeds' options: what it writes, prints and refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from jobs.evaluate_embeddings import EvaluateOptions, run
from kat_ray.errors import InputError
from tests.jobs.conftest import CHECKOUT, Job

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
PLOTS = {
    "tsne_projection.png",
    "umap_projection.png",
    "similarity_heatmap.png",
    "similarity_distribution.png",
    "top_k_predictions.png",
}
OTHERS = {"index.html", "evaluation.json", "report.txt"}


@pytest.fixture(scope="module")
def folder(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """queries.jsonl with 500 questions; data.json, the seeds' list, with 60 of them; checkpoints over MiniLM."""
    folder = tmp_path_factory.mktemp("evaluated")
    done = job("demonstrate", "--out", folder / "pairs.jsonl", "--rows", 400, "--queries", folder / "queries.jsonl")
    assert done.code == 0, done.stderr
    assert done.summary["queries"] == str(folder / "queries.jsonl")
    rows = [json.loads(line) for line in (folder / "queries.jsonl").read_text().splitlines()]
    assert len(rows) == 500
    (folder / "data.json").write_text(json.dumps([{"query": row["query"], "pos": row["pos"]} for row in rows[:60]]))
    matrix = torch.randn(128, 384, generator=torch.Generator().manual_seed(1))
    torch.save({"model_state_dict": {"head.linear.weight": matrix}, "epoch": 5}, folder / "best.pt")
    torch.save({"projection.weight": matrix[:2]}, folder / "worse.pt")
    return folder


def test_the_seeds_command_makes_the_five_plots_and_tells_the_statistics(
    job: Job, folder: Path, tmp_path: Path
) -> None:
    arguments = ("--checkpoint", folder / "best.pt", "--data", folder / "data.json", "--base-model", MINILM)
    done = job("evaluate_embeddings", *arguments, "--batch-size", 16, "--device", "cpu", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert {path.name for path in (tmp_path / "visualizations").iterdir()} == PLOTS | OTHERS
    (found,) = json.loads((tmp_path / "visualizations" / "evaluation.json").read_text())["evaluations"]
    assert (found["details"]["dimensions"], found["details"]["epoch"]) == (128, 5)
    assert found["data"]["queries"] == 60
    assert "evaluate: 100%" in done.stderr
    for name in ("Positive", "Negative", "Margin", "Separation"):
        assert re.search(rf"^{name}: +-?\d", done.stderr, re.MULTILINE)
    margin = re.search(r"^Margin: +(\S+)$", done.stderr, re.MULTILINE)
    assert margin is not None
    assert float(margin[1]) == pytest.approx(found["measures"]["margin"]["value"], abs=1e-4)
    assert done.summary["evaluations"][0]["verdict"] == found["verdict"]


def test_the_seeds_options_have_their_defaults_and_stand_in_the_help() -> None:
    options = EvaluateOptions()
    assert (options.out, options.max_samples, options.batch_size, options.device) == ("visualizations", 500, 32, "auto")
    command = [sys.executable, "-m", "jobs.evaluate_embeddings", "--help"]
    shown = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    for name in ("checkpoint", "data", "output", "max-samples", "batch-size", "device", "skip-umap", "skip-tsne"):
        assert f"--{name}" in shown


def test_checkpoints_are_compared_and_a_bad_one_is_no_failure(job: Job, folder: Path, tmp_path: Path) -> None:
    checkpoints = (folder / "best.pt", folder / "worse.pt")
    arguments = ("--data", folder / "data.json", "--base-model", MINILM, "--output", tmp_path, "--max-samples", 40)
    done = job("evaluate_embeddings", "--checkpoint", *checkpoints, *arguments, "--skip-umap", "--skip-tsne")
    assert done.code == 0, done.stderr
    assert [one["encoder"] for one in done.summary["evaluations"]] == ["projection:best.pt", "projection:worse.pt"]
    best, worse = done.summary["evaluations"]
    assert worse["verdict"] == "not ready"
    assert worse["mrr@10"] < best["mrr@10"]
    for one in (best, worse):
        assert {path.name for path in Path(one["folder"]).glob("*.png")} == {
            name for name in PLOTS if "projection" not in name
        }
    assert f"against {best['encoder']}" in (tmp_path / "report.txt").read_text()


def test_ready_vectors_need_neither_encoder_nor_data(job: Job, tmp_path: Path) -> None:
    queries = torch.randn(30, 16, generator=torch.Generator().manual_seed(2))
    torch.save({"query": queries, "positive": queries + 0.1}, tmp_path / "e.pt")
    done = job("evaluate_embeddings", "--embeddings", tmp_path / "e.pt", "--skip-umap", "--out", tmp_path / "out")
    assert done.code == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == (PLOTS - {"umap_projection.png"}) | OTHERS
    assert done.summary["evaluations"][0]["verdict"] == "ready"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Name what to evaluate"),
        (("--data", "data.json"), "Name what to evaluate"),
        (("--checkpoint", "c.pt"), "--data is missing"),
        (("--data",), "cannot be read"),
        (("--data", "data.json", "--encoder", "hashing", "--device", "tpu"), "cannot be read"),
    ],
)
def test_missing_options_end_with_exit_code_2(job: Job, arguments: tuple[str, ...], message: str) -> None:
    done = job("evaluate_embeddings", *arguments)
    assert done.code == 2
    assert message in done.summary["error"]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("given", [{"checkpoint": ("a.pt",)}, {"embeddings": ("e.npy",)}, {"data": "d"}])
def test_relative_paths_are_refused_in_a_submitted_job(given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    options = {"data": "/d.json", "checkpoint": ("/a.pt",), "out": "/out", **given}
    with pytest.raises(InputError, match=r"(a.pt|e.npy|d) is a relative path in a submitted job"):
        run(EvaluateOptions(**options))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"question": "a"}], "there is no pos"),
        ([{"query": "", "pos": "b"}], "query is empty"),
        ([{"query": "a", "pos": []}], "pos is empty"),
    ],
)
def test_data_that_cannot_be_used_is_one_sentence(job: Job, rows: object, message: str, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(json.dumps(rows))
    done = job("evaluate_embeddings", "--data", tmp_path / "data.json", "--encoder", "hashing", "--out", tmp_path)
    assert (done.code, message in done.summary["error"]) == (1, True), done.stderr
    assert "Traceback" not in done.stderr


def test_vectors_that_are_no_numbers_are_one_sentence(job: Job, tmp_path: Path) -> None:
    torch.save({"query": torch.full((9, 4), torch.nan), "positive": torch.ones(9, 4)}, tmp_path / "e.pt")
    done = job("evaluate_embeddings", "--embeddings", tmp_path / "e.pt", "--out", tmp_path / "out")
    assert done.code == 1
    assert "NaN" in done.summary["error"]
