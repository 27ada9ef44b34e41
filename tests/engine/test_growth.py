"""A graph that was grown is the one that a full search finds, whatever came, went or moved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.loading import load_encoder
from kat_ray.engine.growth import _search_range, join_ranges, plan_growth
from kat_ray.engine.neighbors import find_neighbors
from kat_ray.geometry.neighbors import Neighbors, exact_neighbors
from kat_ray.storage import Location
from tests.engine.conftest import make_texts, write_texts

K = 8
TEXTS = make_texts(900, words=12)
NEW = make_texts(60, words=12, seed=5)


def make(folder: Path, texts: list[str]) -> Location:
    """Prompts and vectors below `folder`."""
    folder.mkdir()
    write_texts(folder, texts)
    encoder = load_encoder(EncoderConfig(spec="hashing"))
    np.save(folder / "embeddings.npy", encoder.encode(encoder.tokenize(texts)))
    return Location(str(folder))


def searched(work: Location) -> list[int]:
    return np.load(Path(work.path) / "neighbors" / "searched.npy").tolist()


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Location:
    """A snapshot's folder, with its graph."""
    made = make(tmp_path_factory.mktemp("former") / "snapshot", TEXTS)
    graph = exact_neighbors(np.load(Path(made.path) / "embeddings.npy"), K)
    np.save(Path(made.path) / "neighbor_indices.npy", graph.indices.astype(np.int32))
    np.save(Path(made.path) / "neighbor_distances.npy", graph.distances.astype(np.float32))
    return made


CORPORA = {
    "as it was": TEXTS,
    "some came": TEXTS + NEW,
    "fewer came than neighbors are wanted": TEXTS + NEW[:3],
    "they came in between": TEXTS[:300] + NEW + TEXTS[300:],
    "some went": TEXTS[:200] + TEXTS[215:],
    "came, went and moved": TEXTS[700:] + NEW[:20] + TEXTS[10:700],
}


@pytest.mark.parametrize("change", CORPORA)
def test_the_grown_graph_is_that_of_a_full_search(change: str, former: Location, tmp_path: Path) -> None:
    work = make(tmp_path / "work", CORPORA[change])
    full = exact_neighbors(np.load(tmp_path / "work" / "embeddings.npy"), K)
    assert plan_growth(work, [former], K) == former
    num_rows = len(full.indices)
    ranges = [(0, 400), (400, 401), (401, num_rows)]
    grown = join_ranges(work, [_search_range(work, former, *each, K, "cpu") for each in ranges], K)
    assert_same_graph(grown, full, np.load(tmp_path / "work" / "embeddings.npy"))


def assert_same_graph(grown: Neighbors, full: Neighbors, vectors: np.ndarray) -> None:
    """Equal distances as they are stored; other neighbors only where distances tie, and at their true distance."""
    distances = full.distances.astype(np.float32)
    np.testing.assert_array_equal(grown.distances.astype(np.float32), distances)
    tied = np.zeros(distances.shape, np.bool_)
    tied[:, 1:] |= distances[:, 1:] == distances[:, :-1]
    tied[:, :-1] |= distances[:, 1:] == distances[:, :-1]
    tied[:, -1] = True  # its tie may be the first neighbor that is not stored
    true = np.linalg.norm(vectors[grown.indices].astype(float) - vectors[:, None].astype(float), axis=2)
    np.testing.assert_allclose(true, grown.distances, rtol=1e-6)
    differ = grown.indices != full.indices
    assert not (differ & ~tied).any()
    assert differ.mean() < 0.01


def test_a_build_grows_its_graph_on_the_cluster(former: Location, tmp_path: Path, joined: None) -> None:
    work = make(tmp_path / "work", CORPORA["some came"])
    summary = find_neighbors(work, K, "exact", "cpu", 2, 0, [former])
    assert (summary.k, summary.recall) == (K, None)
    full = exact_neighbors(np.load(tmp_path / "work" / "embeddings.npy"), K)
    columns = (np.load(tmp_path / "work" / f"neighbor_{name}.npy") for name in ("indices", "distances"))
    assert_same_graph(Neighbors(*columns), full, np.load(tmp_path / "work" / "embeddings.npy"))
    assert not (tmp_path / "work" / "neighbors").exists()


def test_only_what_is_new_is_searched(former: Location, tmp_path: Path) -> None:
    work = make(tmp_path / "work", TEXTS + NEW)
    assert plan_growth(work, [former], K) == former
    assert searched(work) == list(range(900, 960))


def test_rows_that_lost_a_neighbor_are_searched(former: Location, tmp_path: Path) -> None:
    work = make(tmp_path / "work", TEXTS[1:])
    neighbors = np.load(Path(former.path) / "neighbor_indices.npy")
    assert plan_growth(work, [former], K) == former
    assert searched(work) == (np.flatnonzero((neighbors == 0).any(axis=1)) - 1).tolist()


def test_a_row_whose_vector_is_another_counts_as_new(former: Location, tmp_path: Path) -> None:
    work = make(tmp_path / "work", TEXTS)
    vectors = np.load(tmp_path / "work" / "embeddings.npy")
    vectors[7] = vectors[8]
    np.save(tmp_path / "work" / "embeddings.npy", vectors)
    plan_growth(work, [former], K)
    assert 7 in searched(work)


def test_prompts_of_one_text_are_searched_since_they_cannot_be_told_apart(former: Location, tmp_path: Path) -> None:
    work = make(tmp_path / "work", [*TEXTS, TEXTS[3]])
    plan_growth(work, [former], K)
    assert {3, 900} <= set(searched(work))


def test_the_snapshot_that_leaves_least_to_search_is_taken_and_one_that_saves_nothing_is_not(
    former: Location, tmp_path: Path
) -> None:
    work = make(tmp_path / "work", TEXTS + NEW)
    other = make(tmp_path / "other", make_texts(300, words=12, seed=8))
    graph = exact_neighbors(np.load(tmp_path / "other" / "embeddings.npy"), K)
    np.save(tmp_path / "other" / "neighbor_indices.npy", graph.indices)
    np.save(tmp_path / "other" / "neighbor_distances.npy", graph.distances)
    assert plan_growth(work, [other, former], K) == former
    assert plan_growth(work, [other], K) is None
