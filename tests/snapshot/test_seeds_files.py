from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kat_ray.snapshot.seeds_files import write_vectors
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location


@pytest.fixture
def snapshot(store, tmp_path) -> Snapshot:
    """The twelve points, after their files were written to tmp_path."""
    snapshot = Snapshot.open(store.location)
    write_vectors(snapshot, Location(str(tmp_path)))
    return snapshot


def test_vectors_and_weights_are_float32_in_the_order_of_the_ids(snapshot, tmp_path):
    vectors, weights = np.load(tmp_path / "embeddings.npy"), np.load(tmp_path / "density_weights.npy")
    assert vectors.dtype == weights.dtype == np.float32
    assert json.loads((tmp_path / "ids.json").read_bytes()) == snapshot.ids.to_pylist()
    np.testing.assert_array_equal(vectors, snapshot.embeddings)
    np.testing.assert_allclose(weights, snapshot.weights, rtol=1e-6)


def test_weights_are_probabilities_and_hermits_have_more(snapshot, tmp_path):
    weights = np.load(tmp_path / "density_weights.npy")
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    assert (weights > 0).all()
    assert np.isfinite(weights).all()
    assert weights[9:].mean() > 2 * weights[:6].mean()


def test_no_prompt_becomes_impossible_in_single_precision(snapshot, tmp_path):
    snapshot._arrays["weights"] = np.array([1 - 1e-60, *[1e-60] * 11])
    write_vectors(snapshot, Location(str(tmp_path)))
    weights = np.load(tmp_path / "density_weights.npy")
    assert (weights > 0).all()
    assert weights.sum() == pytest.approx(1, abs=1e-5)


def test_the_page_of_facts_agrees_with_the_files(snapshot, tmp_path: Path):
    facts = json.loads((tmp_path / "embeddings_metadata.json").read_bytes())
    vectors, weights = np.load(tmp_path / "embeddings.npy"), np.load(tmp_path / "density_weights.npy")
    assert (facts["n_items"], facts["embedding_dim"]) == vectors.shape
    assert (facts["embedding_dtype"], facts["weights_dtype"]) == ("float32", "float32")
    assert facts["normalization"] == "L2 unit vectors"
    for name in ("min", "max", "mean", "std"):
        assert facts[f"weights_{name}"] == pytest.approx(float(getattr(weights, name)()), rel=1e-5)
    assert facts["input_hash"] == snapshot.manifest.input_hash
    assert (facts["k"], facts["encoder"]["name"]) == (2, "circle")
    assert facts["scheme"] == {"estimator": "distance", "power": 1.0, "cap": None}
    assert {"model_vocab_size", "model_n_embd"} <= set(facts)


def test_the_list_of_ids_is_small(snapshot, tmp_path):
    assert (tmp_path / "ids.json").stat().st_size < 40 * snapshot.num_prompts
