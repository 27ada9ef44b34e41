"""Which rows of vectors belong to a set, whether its queries are limited, its documents repeated, its file changed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kat_ray.arrays import Float32Matrix
from kat_ray.engine.evaluation.subject import PairSubject, TextSubject
from kat_ray.errors import InputError
from kat_ray.evaluation.measures import measure
from kat_ray.evaluation.scores import score

ROWS = [("p", "a"), ("q", "b"), ("r", "c"), ("p", "d"), ("q", "a")]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data.json").write_text(json.dumps([{"query": query, "pos": text} for query, text in ROWS]))
    return tmp_path / "data.json"


def rows(count: int, seed: int = 1, dimensions: int = 32) -> Float32Matrix:
    return np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)


def save(path: Path, queries: Float32Matrix, documents: Float32Matrix) -> tuple[str, None]:
    np.save(path, np.stack([queries, documents]))
    return str(path), None


def test_rows_of_a_limited_set_are_those_of_its_texts_in_the_whole_file(data: Path) -> None:
    """The document d of the first query stands behind c, which no query of the limited set has."""
    queries, documents = rows(3), rows(4)
    subject, texts = TextSubject.of(str(data), 2)
    relevance = texts.relevance
    assert (texts.queries, texts.documents) == (("p", "q"), ("a", "b", "d"))
    assert [relevance.relevant_to(query).tolist() for query in range(2)] == [[0, 2], [1, 0]]
    data.unlink()  # which is not read again for every file of vectors
    chosen = subject.choose("x.pt", (queries, documents))
    np.testing.assert_array_equal(chosen[0], queries[:2])
    np.testing.assert_array_equal(chosen[1], documents[[0, 1, 3]])


def test_vectors_of_other_texts_are_refused(data: Path) -> None:
    with pytest.raises(
        InputError, match=r"5 queries and 5 documents, expected 3 and 4: one for each different text of .*/data.json"
    ):
        TextSubject.of(str(data), 2)[0].choose("x.pt", (rows(5), rows(5)))


def test_a_file_that_changes_while_it_is_evaluated_is_an_error(data: Path) -> None:
    subject, _ = TextSubject.of(str(data), 9)
    assert subject.read()[1].num_queries == 3
    data.write_text(data.read_text().replace('"d"', '"e"'))
    with pytest.raises(InputError, match=r"data.json changed while encoders were evaluated on it"):
        subject.read()


def test_equal_documents_of_pairs_are_one(tmp_path: Path) -> None:
    documents = np.repeat(rows(30), 2, axis=0)
    queries = documents + 0.1 * rows(60, seed=2)
    subject = PairSubject.of([save(tmp_path / "x.npy", queries, documents)], 500)
    assert subject.num_joined == 30
    texts, relevance = subject.read()
    assert texts is None
    assert (relevance.num_queries, relevance.num_documents) == (60, 30)
    chosen = subject.choose("x.npy", (queries, documents))
    assert measure(score(*chosen, relevance), relevance)["rank1_share"].value == 1.0


def test_documents_are_one_where_all_files_say_so(tmp_path: Path) -> None:
    good, collapsed, half = rows(6), np.ones((6, 4), np.float32), rows(6, seed=2)
    good[4] = good[1]
    half[3:] = half[1]
    named = enumerate((good, collapsed, half))
    files = [save(tmp_path / f"{number}.npy", rows(6, number, one.shape[1]), one) for number, one in named]
    for order in (files, files[::-1]):
        assert PairSubject.of(order, 500).firsts.tolist() == [0, 1, 2, 3, 1, 5]
    assert PairSubject.of([files[2]], 500).firsts.tolist() == [0, 1, 2, 1, 1, 1]
    assert PairSubject.of([files[2]], 3).firsts.tolist() == [0, 1, 2]


@pytest.mark.parametrize("num_vectors", [1, 2, 10])
def test_an_encoder_that_gives_few_vectors_for_many_texts_joins_nothing(num_vectors: int, tmp_path: Path) -> None:
    collapsed = np.tile(rows(num_vectors), (60 // num_vectors, 1))
    subject = PairSubject.of([save(tmp_path / "x.npy", collapsed, collapsed)], 500)
    assert (subject.num_joined, subject.num_apart) == (0, 60 - num_vectors)
    _, relevance = subject.read()
    assert measure(score(collapsed, collapsed, relevance), relevance)["rank1_share"].value == 0.0


def test_documents_that_are_all_equal_are_not_joined_though_queries_differ(tmp_path: Path) -> None:
    files = [save(tmp_path / "x.npy", rows(6), np.tile(rows(1), (6, 1)))]
    assert PairSubject.of(files, 500).num_joined == 0


def test_some_equal_pairs_do_not_keep_equal_documents_apart(tmp_path: Path) -> None:
    queries, documents = rows(8), rows(8, seed=2)
    queries[7], documents[5:] = queries[5], documents[5]
    assert PairSubject.of([save(tmp_path / "x.npy", queries, documents)], 500).firsts.tolist() == [*range(6), 5, 5]


def test_pairs_that_are_not_the_same_everywhere_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "queries.npy", rows(5))
    np.save(tmp_path / "documents.npy", rows(4))
    files = [save(tmp_path / f"{count}.npy", rows(count), rows(count)) for count in (5, 6)]
    with pytest.raises(InputError, match=r"6.npy holds 6 pairs of vectors, expected 5 as in the first file"):
        PairSubject.of(files, 3)
    with pytest.raises(InputError, match=r"5 queries and 4 documents, expected as many of both: without --data"):
        PairSubject.of([(str(tmp_path / "queries.npy"), str(tmp_path / "documents.npy"))], 3)
    with pytest.raises(InputError, match=r"x.npy holds 6 pairs of vectors, expected 5"):
        PairSubject.of(files[:1], 3).choose("x.npy", (rows(6), rows(6)))
