"""The five plots of one encoder on one set, as PNG files for a model card.

Knows scores, maps and labels, and which plot is made of what; each plot draws itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from matplotlib.figure import Figure

from kat_ray.evaluation.excerpts import Block, bars, examples, is_relevant, spread
from kat_ray.evaluation.figures.distribution import distribution
from kat_ray.evaluation.figures.heatmap import heatmap
from kat_ray.evaluation.figures.projection import groups_of, own_lines, projection
from kat_ray.evaluation.figures.style import save, sign
from kat_ray.evaluation.figures.top_k import Bar, Example, top_k
from kat_ray.evaluation.labels import Labels
from kat_ray.evaluation.maps import DrawnMap, Maps, num_near
from kat_ray.evaluation.relevance import Relevance
from kat_ray.evaluation.retrieval import best_ranks
from kat_ray.evaluation.scores import Scores

TSNE = "tsne_projection.png"
UMAP = "umap_projection.png"
HEATMAP = "similarity_heatmap.png"
DISTRIBUTION = "similarity_distribution.png"
TOP_K = "top_k_predictions.png"


def write_figures(
    folder: Path, encoder: str, labels: Labels, scores: Scores, relevance: Relevance, maps: Maps, block: Block
) -> list[str]:
    """Write the plots at 300 dots an inch and tell their names; a map that was not made is left out.

    Each names the encoder at its foot. The folder is made.
    """
    written = []
    foot = f"{relevance.num_queries:,} queries, {relevance.num_documents:,} documents; encoder {encoder}"
    for name, figure in _figures(labels, scores, relevance, maps, block):
        sign(figure, foot)
        save(figure, folder / name)
        written.append(name)
    return written


def _figures(
    labels: Labels, scores: Scores, relevance: Relevance, maps: Maps, block: Block
) -> Iterator[tuple[str, Figure]]:
    """One after the other, so that one is held at a time."""
    for name, method, drawn in ((TSNE, "t-SNE", maps.tsne), (UMAP, "UMAP", maps.umap)):
        if drawn is not None:
            yield name, draw_map(method, drawn, relevance)
    yield HEATMAP, draw_heatmap(block)
    yield DISTRIBUTION, draw_distribution(scores)
    yield TOP_K, draw_examples(labels, scores, relevance)


def draw_map(method: str, drawn: DrawnMap, relevance: Relevance) -> Figure:
    """Queries, positives and others, with how far the map can be trusted."""
    told = []
    if drawn.near is not None:
        kept = f"{drawn.near.mean():.0%} of the queries"
        told.append(f"Own positive among the {num_near(relevance)} nearest documents of the map: {kept}.")
    if drawn.trustworthiness is not None:
        told.append(f"Trustworthiness {drawn.trustworthiness:.3f}.")
    told.append("Lines lead from each query to its own positive.")
    return projection(
        groups_of(drawn.points, relevance),
        method=method,
        title=f"{method}: queries and their positives",
        note=" ".join(told),
        lines=own_lines(drawn.points, relevance.own_rows),
    )


def draw_distribution(scores: Scores) -> Figure:
    """Of all pairs, positive and negative."""
    counts = scores.positive_histogram, scores.negative_histogram
    positive, negative = spread(counts[0], scores.positive), spread(counts[1], scores.negative)
    return distribution(bars(*counts), positive, negative, title="Similarities of positive and negative pairs")


def draw_examples(labels: Labels, scores: Scores, relevance: Relevance) -> Figure:
    """Five queries from the easiest to the hardest, with their nearest documents."""
    rows = examples(scores, relevance)
    right = is_relevant(relevance, rows, scores.top_rows[rows])
    ranks = best_ranks(scores.ranks, relevance.offsets)
    shown = [
        Example(
            f"Query {row + 1:,}: positive at rank {ranks[row]:,} of {relevance.num_documents:,}",
            labels.query(row),
            [
                Bar(labels.document(document), similarity, is_right)
                for document, similarity, is_right in zip(
                    scores.top_rows[row].tolist(), scores.top_similarities[row].tolist(), flags, strict=True
                )
            ],
        )
        for row, flags in zip(rows.tolist(), right.tolist(), strict=True)
    ]
    first = float((ranks == 1).mean())
    note = f"From the easiest to the hardest of {relevance.num_queries:,}; positive at rank 1: {first:.0%}"
    return top_k(shown, title="Nearest documents of example queries", note=note)


def draw_heatmap(block: Block) -> Figure:
    """Of the first queries with each other's own positives."""
    size = len(block.similarities)
    return heatmap(
        block,
        [f"Q{row + 1}" for row in range(size)],
        [f"P{row + 1}" for row in range(size)],
        title=f"Similarity of the first {size} queries with each other's own positives",
        note=f"Row: query Q1 to Q{size}. Column: its own positive, P1 to P{size}. The diagonal should be highest.",
    )
