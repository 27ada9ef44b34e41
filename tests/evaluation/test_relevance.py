"""Judgments are whole when they are made, so that nothing after them needs to look."""

from __future__ import annotations

import numpy as np
import pytest

from kat_ray.errors import InputError
from kat_ray.evaluation.relevance import EvaluationSet, Relevance


def test_each_query_has_its_documents_own_positive_first():
    relevance = Relevance.of([[3, 0], [1]], num_documents=5, hard_negatives=[[], [4, 0]])
    assert relevance.num_queries == 2
    assert relevance.own_rows.tolist() == [3, 1]
    assert relevance.queries.tolist() == [0, 0, 1]
    assert [relevance.relevant_to(query).tolist() for query in range(2)] == [[3, 0], [1]]
    assert [relevance.hard_for(query).tolist() for query in range(2)] == [[], [4, 0]]


def test_on_the_diagonal_document_i_belongs_to_query_i():
    relevance = Relevance.diagonal(3)
    assert relevance.own_rows.tolist() == relevance.rows.tolist() == [0, 1, 2]
    assert relevance.num_documents == 3
    assert not len(relevance.hard_rows)


def test_one_document_may_be_that_of_several_queries():
    relevance = Relevance.one_each(np.array([0, 1, 0]))
    assert [relevance.relevant_to(query).tolist() for query in range(3)] == [[0], [1], [0]]
    assert relevance.num_documents == 2


@pytest.mark.parametrize(
    ("relevant", "hard", "sentence"),
    [
        ([], [], "expected the same number, at least 1"),
        ([[0], []], [[], []], "Query 1 has no relevant document"),
        ([[0], [3]], [[], []], "rows 0 to 3 of 3 documents"),
        ([[0], [-1]], [[], []], "rows -1 to 0 of 3 documents"),
        ([[0, 0]], [[]], "a document twice"),
        ([[0]], [[1, 1]], "a document twice"),
        ([[0]], [[0]], "both as relevant and as a hard negative"),
        ([[0]], [[], []], "of 1 queries and hard negatives of 2"),
    ],
)
def test_judgments_that_cannot_be_are_refused(relevant, hard, sentence):
    with pytest.raises(InputError, match=sentence):
        Relevance.of(relevant, num_documents=3, hard_negatives=hard)


@pytest.mark.parametrize("offsets", [[0, 2], [1, 3], [0, 2, 1, 3], []])
def test_offsets_that_do_not_fit_their_rows_are_refused(offsets):
    with pytest.raises(InputError, match="do not run from 0 up to their number, 3"):
        Relevance(9, np.array(offsets, np.int64), np.arange(3), np.zeros(2, np.int64), np.arange(0))


def test_a_set_has_a_text_for_each_row():
    with pytest.raises(InputError, match="2 queries and 1 documents; the relevance is of 2 and 2"):
        EvaluationSet(("a", "b"), ("c",), Relevance.diagonal(2))


def test_a_digest_tells_apart_whatever_differs():
    def digest(queries=("a", "b"), documents=("c", "d"), relevant=((0,), (1,)), hard=((1,), ())):
        return EvaluationSet(queries, documents, Relevance.of(relevant, num_documents=2, hard_negatives=hard)).digest()

    others = [
        digest(queries=("b", "a")),
        digest(documents=("c", "\ud800")),
        digest(relevant=((0,), (0,))),
        digest(relevant=((0,), (1, 0))),
        digest(hard=((), (0,))),
    ]
    assert digest() == digest()
    assert len({digest(), *others}) == 6
