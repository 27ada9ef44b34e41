"""The measures of a ranking equal those that others publish."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from sentence_transformers.util import cos_sim

from kat_ray.evaluation.measures import values
from kat_ray.evaluation.retrieval import average_precision, ndcg, recall, reciprocal_rank
from kat_ray.evaluation.scores import score


class Ready:
    """A model in the form that the evaluator wants; a text is the number of its vector."""

    def __init__(self, queries: np.ndarray, documents: np.ndarray) -> None:
        self._vectors = {"query": torch.tensor(queries), "document": torch.tensor(documents)}

    def encode_query(self, texts: list[str], **options: object) -> torch.Tensor:
        return self._vectors["query"][[int(text) for text in texts]]

    def encode_document(self, texts: list[str], **options: object) -> torch.Tensor:
        return self._vectors["document"][[int(text) for text in texts]]


@pytest.mark.parametrize(("num_documents", "dimension"), [(400, 16), (60, 2), (7, 8), (5, 4)])
def test_measures_equal_those_of_sentence_transformers(several, num_documents, dimension):
    queries, documents, relevance = several(3, 50, num_documents, dimension)
    names = [{str(row): str(row) for row in range(count)} for count in (50, num_documents)]
    relevant = {str(query): {str(row) for row in relevance.relevant_to(query)} for query in range(50)}
    evaluator = InformationRetrievalEvaluator(
        *names, relevant, precision_recall_at_k=[1, 5, 10, 50], accuracy_at_k=[1], score_functions={"cos": cos_sim}
    )
    theirs = evaluator.compute_all_metrics(Ready(queries, documents))["cos"]
    ours = values(score(queries, documents, relevance), relevance)
    for name in ("mrr@10", "recall@1", "recall@5", "recall@10", "recall@50", "ndcg@10", "map@100"):
        measure, _, k = name.partition("@")
        assert ours[name] == pytest.approx(theirs[f"{measure}@k"][int(k)], abs=1e-6)
    assert ours["rank1_share"] == pytest.approx(theirs["accuracy@k"][1], abs=1e-6)


def test_a_ranking_worked_by_hand():
    ranks, offsets = np.array([3, 1, 2]), np.array([0, 2, 3])
    assert reciprocal_rank(ranks, offsets, 10).tolist() == [1.0, 0.5]
    assert reciprocal_rank(ranks, offsets, 1).tolist() == [1.0, 0.0]
    assert recall(ranks, offsets, 2).tolist() == [0.5, 1.0]
    np.testing.assert_allclose(average_precision(ranks, offsets, 100), [(1 + 2 / 3) / 2, 0.5])
    np.testing.assert_allclose(average_precision(ranks, offsets, 1), [1.0, 0.0])
    half, third = 1 / np.log2(3), 1 / np.log2(4)
    np.testing.assert_allclose(ndcg(ranks, offsets, 10), [(1 + third) / (1 + half), half])
    np.testing.assert_allclose(ndcg(ranks, offsets, 1), [1.0, 0.0])


def test_ranks_beyond_k_and_k_beyond_the_documents_are_no_error():
    ranks, offsets = np.array([2, 1]), np.array([0, 1, 2])
    for measure in (reciprocal_rank, recall, ndcg, average_precision):
        assert measure(ranks, offsets, 1000)[1] == 1.0
        assert measure(ranks, offsets, 1).tolist() == [0.0, 1.0]
