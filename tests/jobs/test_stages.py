"""The stage jobs, one after the other, give what the build gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pyarrow import parquet as pq

from kat_ray.snapshot.snapshot import Snapshot
from tests.jobs.conftest import Job


@pytest.fixture(scope="module")
def stages(job: Job, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after make_prompts, embed, compute_density and project."""
    folder = tmp_path_factory.mktemp("stages") / "data"
    for arguments in (
        ("make_prompts", "--pairs", pairs, "--out", folder),
        ("embed", "--data", folder, "--out", folder, "--encoder", "hashing"),
        ("compute_density", "--embeddings", folder, "--out", folder),
        ("project", "--embeddings", folder, "--out", folder),
    ):
        done = job(*arguments)
        assert done.code == 0, done.stderr
        assert done.summary["ok"]
    return folder


def test_stage_jobs_give_the_columns_of_the_build(stages: Path, store: Path) -> None:
    snapshot = Snapshot.open(str(store))
    for name in ("embeddings", "neighbor_indices", "neighbor_distances", "density", "weights", "clusters", "layout"):
        np.testing.assert_array_equal(np.load(stages / f"{name}.npy"), snapshot.array(name), err_msg=name)
    assert json.loads((stages / "ids.json").read_text()) == snapshot.ids.to_pylist()
    np.testing.assert_allclose(np.load(stages / "density_weights.npy").sum(dtype=np.float64), 1.0, atol=1e-5)


def test_make_prompts_writes_the_files_of_the_seeds(stages: Path) -> None:
    prompts = [json.loads(line) for line in (stages / "prompts_all.jsonl").read_text().split("\n")[:-1]]
    prefixes = [json.loads(line) for line in (stages / "prefixes_all.jsonl").read_text().split("\n")[:-1]]
    ids = [row["id"] for row in prompts]
    assert len(set(ids)) == len(ids) == len(prefixes)
    assert [row["id"] for row in prefixes] == ids
    assert all(row["src"] and row["n_pairs"] >= 1 for row in prefixes)
    keys = [line.split(":")[0] for line in (stages / "stats.txt").read_text().split("\n")[:-1]]
    assert keys[:3] == ["total_pairs", "unique_prompts", "dedup_ratio"]


def test_embed_writes_one_torch_file_that_loads_without_code(job: Job, stages: Path, tmp_path: Path) -> None:
    out = tmp_path / "embeddings.pt"
    done = job("embed", "--data", stages / "prefixes_all.jsonl", "--out", out, "--encoder", "hashing")
    assert done.code == 0, done.stderr
    content = torch.load(out, weights_only=True)
    assert content["ids"] == json.loads((stages / "ids.json").read_text())
    torch.testing.assert_close(content["emb"].norm(dim=1), torch.ones(len(content["ids"])), atol=1e-5, rtol=0)
    assert [path.name for path in tmp_path.iterdir()] == ["embeddings.pt"]


def test_texts_of_the_corpus_fall_on_their_own_points(job: Job, stages: Path, store: Path, tmp_path: Path) -> None:
    out = tmp_path / "placed.parquet"
    done = job("project", "--onto", store, "--texts", stages / "prompts_all.jsonl", "--out", out)
    assert done.code == 0, done.stderr
    snapshot, table = Snapshot.open(str(store)), pq.read_table(out)
    rows = snapshot.row_of(table["id"].to_pylist())
    placed = np.column_stack([table[axis].to_numpy() for axis in "xyz"])
    assert (rows >= 0).all()
    twins = np.array([distances[0].as_py() for distances in table["neighbor_distances"]]) < 1e-6
    assert twins.mean() > 0.95
    own = np.array([names[0].as_py() for names in table["neighbor_ids"]]) == np.array(table["id"].to_pylist())
    np.testing.assert_allclose(placed[own & twins], snapshot.layout[rows][own & twins], atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["placed.parquet"]


def test_project_without_a_graph_names_the_job_to_run(job: Job, tmp_path: Path) -> None:
    done = job("project", "--embeddings", tmp_path, "--out", tmp_path)
    assert done.code == 1
    assert "jobs.compute_density" in done.summary["error"]
    assert "Traceback" not in done.stderr


def test_every_text_is_placed_though_many_are_equal(job: Job, store: Path, tmp_path: Path) -> None:
    texts = tmp_path / "outputs.jsonl"
    texts.write_text('{"prompt": "How do I bake bread?"}\n' * 30 + "{broken\n")
    done = job("project", "--onto", store, "--texts", texts, "--out", tmp_path / "placed.parquet")
    assert done.code == 0, done.stderr
    assert (done.summary["placed"], done.summary["rejected"]) == (30, 1)
    assert "Refused rows: 1 x not valid JSON" in done.stderr
    assert pq.read_table(tmp_path / "placed.parquet").num_rows == 30


def test_stage_jobs_leave_other_files_of_the_output_folder_alone(job: Job, pairs: Path, tmp_path: Path) -> None:
    for name in ("input", "blocks", "rows", "neighbors"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("mine")
    done = job("make_prompts", "--pairs", pairs, "--out", tmp_path)
    assert done.code == 0, done.stderr
    assert sorted(path.parent.name for path in tmp_path.rglob("mine.txt")) == ["blocks", "input", "neighbors", "rows"]
    assert not (tmp_path / ".work").exists()
