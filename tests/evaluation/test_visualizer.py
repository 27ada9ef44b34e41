"""The class with its seven methods, over the hashing encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from kat_ray.errors import InputError
from kat_ray.evaluation import visualizer as visualizer_module
from kat_ray.evaluation.visualizer import EmbeddingVisualizer

QUERIES = [f"question about {word} and nothing else" for word in ("tea", "rain", "music", "bread", "snow", "horses")]
ANSWERS = [text.replace("question", "answer") for text in QUERIES]


@pytest.fixture(scope="module")
def visualizer() -> EmbeddingVisualizer:
    return EmbeddingVisualizer("hashing", "cpu")


@pytest.fixture(scope="module")
def vectors(visualizer):
    return [visualizer.encode_batch(texts, show_progress=False) for texts in (QUERIES, ANSWERS)]


def is_png(path):
    return path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_encoding_gives_unit_rows_in_order_for_any_batch_size(visualizer, vectors):
    np.testing.assert_allclose(np.linalg.norm(vectors[0], axis=1), 1.0, atol=1e-6)
    assert np.array_equal(visualizer.encode_batch(QUERIES, batch_size=4, show_progress=False), vectors[0])
    assert visualizer.encode_batch([], show_progress=False).shape == (0, vectors[0].shape[1])


def test_encoding_shows_how_far_it_is(visualizer, capsys):
    visualizer.encode_batch(QUERIES, batch_size=2)
    assert "6/6" in capsys.readouterr().err


def test_similarities_are_cosines_of_all_pairs(visualizer, vectors):
    similarities = visualizer.compute_similarity_matrix(vectors[0] * np.float32(3), vectors[1][:4])
    assert similarities.shape == (6, 4)
    np.testing.assert_allclose(similarities, vectors[0] @ vectors[1][:4].T, atol=1e-6)


def test_each_plot_is_a_png_at_its_path(visualizer, vectors, tmp_path):
    both = np.concatenate(vectors)
    kinds, colors = ["Query"] * 6 + ["Positive"] * 6, ["blue"] * 6 + ["green"] * 6
    similarities = visualizer.compute_similarity_matrix(*vectors)
    own, others = similarities.diagonal(), similarities[~np.eye(6, dtype=bool)]
    paths = [
        visualizer.plot_tsne(both, kinds, colors, "t-SNE", tmp_path / "tsne.png", perplexity=30),
        visualizer.plot_umap(both, kinds, colors, "UMAP", str(tmp_path / "umap.png"), n_neighbors=15),
        visualizer.plot_similarity_heatmap(similarities, QUERIES, ANSWERS, tmp_path / "heat.png", max_items=4),
        visualizer.plot_similarity_distribution(own, others, tmp_path / "distribution.png"),
        visualizer.plot_top_k_predictions(QUERIES, ANSWERS, similarities, range(6), tmp_path / "top.png", k=10),
    ]
    assert all(is_png(path) for path in paths)
    assert len(list(tmp_path.iterdir())) == 5


def test_more_queries_than_documents_have_plots(visualizer, vectors, tmp_path):
    similarities = visualizer.compute_similarity_matrix(vectors[0], vectors[1][:2])
    assert is_png(visualizer.plot_similarity_heatmap(similarities, QUERIES, ANSWERS[:2], tmp_path / "heat.png"))
    truth = [row % 2 for row in range(6)]
    top = visualizer.plot_top_k_predictions(QUERIES, ANSWERS[:2], similarities, truth, tmp_path / "top.png")
    assert is_png(top)


def test_a_tie_counts_against_the_truth_as_in_the_scores(visualizer, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(visualizer_module, "top_k", lambda examples, **_: drawn.extend(examples) or Figure())
    visualizer.plot_top_k_predictions(QUERIES[:3], ANSWERS[:3], np.ones((3, 3)), range(3), tmp_path / "top.png")
    assert [example.name for example in drawn] == [f"Query {row}: positive at rank 3 of 3" for row in (1, 2, 3)]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda v: v.encode_batch(QUERIES, batch_size=0), "batch_size is 0"),
        (lambda v: v.compute_similarity_matrix(np.ones((2, 3), "f"), np.ones((2, 4), "f")), "3 dimensions, doc_embs 4"),
        (lambda v: v.plot_tsne(np.eye(12, dtype="f"), ["a"], ["b"] * 12, "t", "x.png"), "labels has 1 entries"),
        (lambda v: v.plot_similarity_heatmap(np.eye(2), ["a"], ["b", "c"], "x.png"), "query_labels has 1 entries"),
        (
            lambda v: v.plot_similarity_distribution(np.array([np.nan]), np.ones(1), "x.png"),
            "pos_similarities holds NaN",
        ),
        (
            lambda v: v.plot_top_k_predictions(["q"], ["d"], np.ones((1, 1)), [4], "x.png"),
            "ground_truth of query 0 is 4",
        ),
        (lambda _: EmbeddingVisualizer("hashing", "tpu"), "The device is 'tpu'"),
        (
            lambda v: v.plot_tsne(np.eye(2, dtype="f"), ["a"] * 2, ["b", "wine red"], "t", "x.png"),
            "'wine red', expected",
        ),
        (lambda v: v.plot_similarity_heatmap(np.ones((0, 2)), [], ["b", "c"], "x.png"), r"is empty \(shape \(0, 2\)\)"),
        (lambda v: v.plot_similarity_heatmap(np.eye(1), ["a"], ["b"], "x.png", max_items=0), "max_items is 0"),
        (lambda v: v.plot_top_k_predictions(["q"], ["d"], np.eye(1), [0], "x.png", k=-1), "k is -1, expected at least"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(visualizer, call, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=words):
        call(visualizer)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("named", "device", "spec", "meant"),
    [
        (Path("checkpoints/best.pt"), None, "projection:checkpoints/best.pt", "auto"),
        ("C:best.pt", "cuda", "projection:C:best.pt", "gpu"),
        ("projection:best.pt@base", "cpu", "projection:best.pt@base", "cpu"),
        ("sentence:all-MiniLM-L6-v2", "gpu", "sentence:all-MiniLM-L6-v2", "gpu"),
        ("checkpoint:folder", "auto", "checkpoint:folder", "auto"),
    ],
)
def test_a_path_is_a_projection_and_a_spec_is_itself(named, device, spec, meant, monkeypatch):
    asked = []
    monkeypatch.setattr(visualizer_module, "load_encoder", asked.append)
    EmbeddingVisualizer(named, device, threads=2)
    assert [(one.spec, one.device, one.threads) for one in asked] == [(spec, meant, 2)]
