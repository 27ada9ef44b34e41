"""Jobs that read a published snapshot: inspect, sample, export."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from kat_ray.snapshot.snapshot import Snapshot
from tests.jobs.conftest import Job


def test_inspect_explains_a_weight_without_showing_text(job: Job, store: Path) -> None:
    snapshot = Snapshot.open(str(store))
    row = int(np.argmax(snapshot.weights))
    done = job("inspect", "--snapshot", store, "--id", snapshot.ids[row].as_py())
    assert done.code == 0, done.stderr
    assert done.summary["weight"] == snapshot.weights[row]
    assert done.summary["neighbors"] == snapshot.ids.take(snapshot.neighbor_indices[row]).to_pylist()
    text = snapshot.prompts(np.array([row]), ["text"])["text"][0].as_py()
    assert text[:30] not in done.stdout + done.stderr
    shown = job("inspect", "--snapshot", store, "--id", snapshot.ids[row].as_py(), "--show-text")
    assert text[:8] in shown.stderr


def test_inspect_of_nothing_is_one_sentence(job: Job, tmp_path: Path) -> None:
    done = job("inspect", "--snapshot", tmp_path)
    assert done.code == 1
    assert done.summary == {"job": "inspect", "ok": False, "error": done.summary["error"]}
    assert "jobs.build" in done.summary["error"]
    assert "Traceback" not in done.stderr


def test_inspect_says_that_it_verified(job: Job, store: Path) -> None:
    done = job("inspect", "--snapshot", store, "--verify")
    assert done.summary["verified"] is True
    assert "columns match their checksums" in done.stderr


def test_sample_draws_distinct_known_ids_and_the_same_for_a_seed(job: Job, store: Path, tmp_path: Path) -> None:
    known = set(Snapshot.open(str(store)).ids.to_pylist())
    drawn = []
    for seed, name in ((1, "a"), (1, "b"), (2, "c")):
        out = tmp_path / name
        done = job("sample", "--snapshot", store, "--budget", 50, "--out", out, "--seed", seed)
        assert done.code == 0, done.stderr
        drawn.append(out.read_text().splitlines())
    assert len(set(drawn[0])) == 50
    assert set(drawn[0]) <= known
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_budget_above_the_corpus_gives_every_id_once(job: Job, store: Path, tmp_path: Path) -> None:
    ids = Snapshot.open(str(store)).ids.to_pylist()
    job("sample", "--snapshot", store, "--budget", 10 * len(ids), "--out", tmp_path / "ids")
    assert sorted((tmp_path / "ids").read_text().split()) == sorted(ids)


def test_a_training_list_holds_floor_or_ceil_copies(job: Job, store: Path, tmp_path: Path) -> None:
    snapshot = Snapshot.open(str(store))
    budget = 5 * snapshot.num_prompts
    job("sample", "--snapshot", store, "--budget", budget, "--systematic", "--out", tmp_path / "ids")
    rows = snapshot.row_of((tmp_path / "ids").read_text().split())
    copies = np.bincount(rows, minlength=snapshot.num_prompts)
    expected = budget * snapshot.weights
    assert copies.sum() == budget
    assert (np.abs(copies - expected) < 1).all()


def test_sample_from_embeddings_prefers_the_isolated(job: Job, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    crowd = generator.standard_normal(64) + 0.02 * generator.standard_normal((90, 64))
    vectors = np.concatenate([crowd, generator.standard_normal((10, 64))]).astype(np.float32)
    torch.save({"ids": [f"p{row}" for row in range(100)], "emb": torch.from_numpy(vectors)}, tmp_path / "e.pt")
    done = job("sample", "--emb", tmp_path / "e.pt", "--budget", 10, "--out", tmp_path / "ids")
    assert done.code == 0, done.stderr
    drawn = [int(name[1:]) for name in (tmp_path / "ids").read_text().split()]
    assert sum(row >= 90 for row in drawn) >= 8


def test_a_torch_file_with_code_in_it_is_refused_and_does_not_run(job: Job, tmp_path: Path) -> None:
    class Gadget:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"ids": ["a"], "emb": Gadget()}, tmp_path / "bad.pt")
    done = job("sample", "--emb", tmp_path / "bad.pt", "--budget", 1, "--out", tmp_path / "ids")
    assert done.code == 1
    assert "nothing was loaded" in done.summary["error"]
    assert not (tmp_path / "ran").exists()


def test_export_writes_the_files_of_every_format(job: Job, store: Path, tmp_path: Path) -> None:
    done = job("export", "--snapshot", store, "--out", tmp_path, "--formats", "seeds,pt,parquet")
    assert done.code == 0, done.stderr
    assert done.summary["files"] == sorted(path.name for path in tmp_path.iterdir())
    snapshot = Snapshot.open(str(store))
    np.testing.assert_array_equal(np.load(tmp_path / "embeddings.npy"), snapshot.embeddings)
    points = json.loads((tmp_path / "embeddings_3d.json").read_text())["points"]
    assert [point["id"] for point in points] == snapshot.ids.to_pylist()


@pytest.mark.parametrize("arguments", [("--snapshot", "x", "--emb", "y"), ()])
def test_sample_wants_exactly_one_origin_of_weights(job: Job, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = job("sample", "--budget", 5, "--out", tmp_path / "ids", *arguments)
    assert done.code == 1
    assert "--snapshot" in done.summary["error"]


def test_an_unknown_option_suggests_the_nearest(job: Job) -> None:
    done = job("build", "--pairs", "a", "--out", "b", "--target-es", "0.5")
    assert done.code == 2
    assert not done.summary["ok"]
    assert "--target-ess" in done.stderr
