"""The seven steps of looking at an encoder one by one, for scripts and notebooks: encode, compare, and five plots.

The job of the evaluation does all of them at once, from a file, with intervals and a verdict. Knows encoders and plots;
each plot is given what it shows and writes one PNG of 300 dots an inch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure
from numpy.typing import NDArray
from tqdm import tqdm

from kat_ray.arrays import Float32Matrix, Int64Vector, require_rows
from kat_ray.encoders.encoder import Device, EncoderConfig
from kat_ray.encoders.loading import load_encoder
from kat_ray.errors import InputError
from kat_ray.evaluation.excerpts import BLOCK_ROWS, NUM_EXAMPLES, Block, Spread, bars, spread
from kat_ray.evaluation.figures.distribution import distribution
from kat_ray.evaluation.figures.heatmap import heatmap
from kat_ray.evaluation.figures.projection import Group, projection
from kat_ray.evaluation.figures.style import save
from kat_ray.evaluation.figures.top_k import Bar, Example, top_k
from kat_ray.evaluation.maps import map_trustworthiness, tsne, umap, unit_rows
from kat_ray.evaluation.scores import NUM_BINS, NUM_NEAREST, Moments

_KINDS = ("sentence", "checkpoint", "projection")
_DEVICES: dict[str | None, Device] = {None: "auto", "auto": "auto", "cpu": "cpu", "cuda": "gpu", "gpu": "gpu"}
_MARKERS = "o^sDvP"


class EmbeddingVisualizer:
    """An encoder, and plots of what it makes of texts.

    checkpoint_path is the file of a projection over BGE-M3, or the spec of any encoder (`sentence:NAME`, `hashing`);
    device is cpu, cuda (or gpu), or None for what is there.

    Example:
        visualizer = EmbeddingVisualizer("checkpoints/best.pt")
        queries, documents = visualizer.encode_batch(texts), visualizer.encode_batch(answers)
        similarities = visualizer.compute_similarity_matrix(queries, documents)
        visualizer.plot_top_k_predictions(texts, answers, similarities, range(len(texts)), "top_k.png")

    Raises:
        InputError: another device.
        EncoderError: a checkpoint or spec that cannot be used.
        ResourceError: a device that is not there.
    """

    def __init__(self, checkpoint_path: str | Path, device: str | None = None, *, threads: int = 1) -> None:
        if device not in _DEVICES:
            raise InputError(f"The device is {device!r}, expected cpu, cuda, or none for what is there.")
        named = str(checkpoint_path)
        is_spec = named == "hashing" or named.partition(":")[0] in _KINDS
        spec = named if is_spec else f"projection:{named}"
        self._encoder = load_encoder(EncoderConfig(spec, _DEVICES[device], threads=threads))

    def encode_batch(self, texts: Sequence[str], batch_size: int = 32, *, show_progress: bool = True) -> Float32Matrix:
        """Unit rows float32 [N, D] of the texts, so many at a time, with a progress bar on stderr."""
        _require_positive("batch_size", batch_size)
        vectors = np.empty((len(texts), self._encoder.identity.dimension), np.float32)
        with tqdm(total=len(texts), desc="encode", unit="text", disable=not show_progress) as progress:
            for start in range(0, len(texts), batch_size):
                part = texts[start : start + batch_size]
                vectors[start : start + len(part)] = self._encoder.encode(self._encoder.tokenize(part))
                progress.update(len(part))
        return vectors

    def compute_similarity_matrix(self, query_embs: Float32Matrix, doc_embs: Float32Matrix) -> Float32Matrix:
        """Cosines [Nq, Nd] of query rows [Nq, D] and document rows [Nd, D] of any length, all at once."""
        for name, vectors in (("query_embs", query_embs), ("doc_embs", doc_embs)):
            require_rows(name, vectors, ndim=2)
        if query_embs.shape[1] != doc_embs.shape[1]:
            raise InputError(
                f"query_embs has {query_embs.shape[1]} dimensions, doc_embs {doc_embs.shape[1]}; expected the same."
            )
        return unit_rows(query_embs) @ unit_rows(doc_embs).T

    def plot_tsne(
        self, embeddings: Float32Matrix, labels: Sequence[str], colors: Sequence[str], title: str,
        output_path: str | Path, perplexity: float = 30.0,
    ) -> Path:  # fmt: skip
        """t-SNE of rows [N, D]; rows of one label look alike, in the color of the first of them."""
        _require_groups(embeddings, labels, colors)
        points = tsne(embeddings, perplexity=perplexity)
        note = f"Perplexity {perplexity:g} at most, seed 42"
        return _write(_map("t-SNE", embeddings, points, labels, colors, title, note), output_path)

    def plot_umap(
        self, embeddings: Float32Matrix, labels: Sequence[str], colors: Sequence[str], title: str,
        output_path: str | Path, n_neighbors: int = 15,
    ) -> Path:  # fmt: skip
        """UMAP, otherwise as `plot_tsne`.

        Raises:
            ResourceError: umap-learn is not installed.
        """
        _require_groups(embeddings, labels, colors)
        points = umap(embeddings, n_neighbors=n_neighbors)
        note = f"{n_neighbors} neighbors at most, seed 42"
        return _write(_map("UMAP", embeddings, points, labels, colors, title, note), output_path)

    def plot_similarity_heatmap(
        self, sim_matrix: Float32Matrix, query_labels: Sequence[str], doc_labels: Sequence[str],
        output_path: str | Path, max_items: int = BLOCK_ROWS,
    ) -> Path:  # fmt: skip
        """Similarities [Nq, Nd] from 0 to 1, document i being the own positive of query i; the first rows and columns.

        Raises:
            InputError: similarities that are no numbers, or not as many labels as rows and columns.
        """
        _require_similarities(sim_matrix)
        _require_positive("max_items", max_items)
        shown = sim_matrix[:max_items, :max_items]
        for name, names, count in (("query_labels", query_labels, 0), ("doc_labels", doc_labels, 1)):
            _require_as_many(name, names, sim_matrix.shape[count])
        figure = heatmap(
            Block(shown, np.eye(*shown.shape, dtype=np.bool_)),
            query_labels[:max_items],
            doc_labels[:max_items],
            title="Similarities of queries and documents",
            note="Row: query. Column: document. The diagonal, each query with its own positive, should be highest.",
        )
        return _write(figure, output_path)

    def plot_similarity_distribution(
        self, pos_similarities: NDArray[Any], neg_similarities: NDArray[Any], output_path: str | Path
    ) -> Path:
        """Histogram and boxes of positive [P] and negative [M] similarities, with margin and separations."""
        positive, of_positive = _counted("pos_similarities", pos_similarities)
        negative, of_negative = _counted("neg_similarities", neg_similarities)
        title = "Similarities of positive and negative pairs"
        return _write(distribution(bars(positive, negative), of_positive, of_negative, title=title), output_path)

    def plot_top_k_predictions(
        self, queries: Sequence[str], documents: Sequence[str], sim_matrix: Float32Matrix, ground_truth: Sequence[int],
        output_path: str | Path, k: int = NUM_NEAREST, num_examples: int = NUM_EXAMPLES,
    ) -> Path:  # fmt: skip
        """The k nearest documents of the first queries, or all when there are fewer; ground_truth[i] is right for i.

        Raises:
            InputError: similarities that are no numbers or not of shape [Nq, Nd], or not as many truths as queries.
        """
        _require_similarities(sim_matrix)
        _require_positive("k", k)
        _require_positive("num_examples", num_examples)
        _require_as_many("queries", queries, len(sim_matrix))
        _require_as_many("documents", documents, sim_matrix.shape[1])
        _require_as_many("ground_truth", ground_truth, len(sim_matrix))
        examples = [
            _example(row, queries[row], documents, sim_matrix[row], ground_truth[row], k)
            for row in range(min(num_examples, len(queries)))
        ]
        note = f"The first {len(examples)} of {len(queries):,} queries"
        return _write(top_k(examples, title="Nearest documents of example queries", note=note), output_path)


def _map(
    method: str, vectors: Float32Matrix, points: Float32Matrix, labels: Sequence[str], colors: Sequence[str],
    title: str, note: str,
) -> Figure:  # fmt: skip
    kinds = list(dict.fromkeys(labels))
    rows = [[row for row, label in enumerate(labels) if label == kind] for kind in kinds]
    groups = [
        Group(kind, points[of_kind], colors[of_kind[0]], _MARKERS[number % len(_MARKERS)])
        for number, (kind, of_kind) in enumerate(zip(kinds, rows, strict=True))
    ]
    trust = map_trustworthiness(vectors, points)
    told = note if trust is None else f"{note}; trustworthiness {trust:.3f}"
    return projection(groups, method=method, title=title, note=told)


def _require_groups(vectors: Float32Matrix, labels: Sequence[str], colors: Sequence[str]) -> None:
    """Before a map is drawn, which takes its time."""
    for name, given in (("labels", labels), ("colors", colors)):
        _require_as_many(name, given, len(vectors))
    for color in colors:
        if not is_color_like(color):
            raise InputError(f"colors holds {color!r}, expected names like blue or codes like #0072B2.")


def _require_positive(name: str, count: int) -> None:
    if count < 1:
        raise InputError(f"{name} is {count}, expected at least 1.")


def _require_similarities(similarities: Float32Matrix) -> None:
    require_rows("sim_matrix", similarities, ndim=2)
    if not similarities.size:
        raise InputError(f"sim_matrix is empty (shape {similarities.shape}), expected queries and documents.")


def _counted(name: str, similarities: NDArray[Any]) -> tuple[Int64Vector, Spread | None]:
    """Counts in the bins of the scores, and what they say."""
    require_rows(name, np.asarray(similarities), ndim=1)
    values = np.clip(np.asarray(similarities, np.float64), -1.0, 1.0)
    moments = Moments(*(np.array([total]) for total in (float(len(values)), values.sum(), values @ values)))
    counts = np.histogram(values, NUM_BINS, (-1.0, 1.0))[0].astype(np.int64)
    return counts, spread(counts, moments)


def _example(row: int, query: str, documents: Sequence[str], line: NDArray[np.float32], truth: int, k: int) -> Example:
    if not 0 <= truth < len(documents):
        raise InputError(f"ground_truth of query {row} is {truth}, expected a row of the {len(documents):,} documents.")
    is_truth = np.arange(len(line)) == truth
    nearest = np.lexsort((is_truth, -line)).tolist()  # a tie counts against the truth, as in the scores
    bars_of_query = [Bar(documents[place], float(line[place]), place == truth) for place in nearest[:k]]
    name = f"Query {row + 1}: positive at rank {nearest.index(truth) + 1:,} of {len(documents):,}"
    return Example(name, query, bars_of_query)


def _require_as_many(name: str, given: Sequence[Any], count: int) -> None:
    if len(given) != count:
        raise InputError(f"{name} has {len(given):,} entries, expected {count:,}.")


def _write(figure: Figure, path: str | Path) -> Path:
    save(figure, Path(path))
    return Path(path)
