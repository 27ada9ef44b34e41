"""Clusters of the neighbor graph, and the words that tell each from the others.

Knows the graph and texts; nothing of files. Clusters are communities of the graph (Leiden, Traag et al. 2019,
doi.org/10.1038/s41598-019-41695-z, modularity) and need no vectors. Terms are words of the texts: treat them as such.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float64Vector, Int32Vector, Int64Vector, require_rows

_MAX_NEIGHBORS = 15  # more edges cost memory (about 100 bytes each) and change little
_RESOLUTIONS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_MAX_CHARACTERS = 1000  # of each text; the openings say what it is about, and no text can fill the memory
_MAX_TERMS = 50_000
_HAN_KANA = "\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"  # written without spaces: two characters at a time
_THAI_TO_KHMER = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # written without spaces: runs of up to six
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff"  # vowel signs that belong to a word
_LETTER = rf"[^\W\d_{_HAN_KANA}{_THAI_TO_KHMER}]"
_CONTRACTION = rf"{_LETTER}+['\u2019](?:t|s|re|ll|ve|d|m)\b"  # "don't" tells nothing and must not become "don"
_WORDS = re.compile(
    rf"{_CONTRACTION}|([{_HAN_KANA}]{{2}}|[{_THAI_TO_KHMER}]{{2,6}}|{_LETTER}(?:{_LETTER}|[{_MARKS}])+)"
)


def cluster_graph(neighbor_indices: NDArray[Any], neighbor_distances: NDArray[Any], *, seed: int = 42) -> Int32Vector:
    """Cluster of each row, int32 [N]: 0 is the largest; equal sizes by their lowest row. Same seed, same clusters.

    The graph [N, K] is taken as undirected, its first 15 columns weighted by cosine. The resolution is the first of
    1, 2, 4 … 64 that gives at least sqrt(N) / 2 clusters. Memory about 100 bytes an edge: 400 MB at N = 276,000.
    """
    import igraph

    require_rows("neighbor_indices", neighbor_indices, ndim=2)
    require_rows("neighbor_distances", neighbor_distances, ndim=2, rows=len(neighbor_indices))
    num_rows = len(neighbor_indices)
    (rows, neighbors), strengths = _undirected(
        neighbor_indices[:, :_MAX_NEIGHBORS], neighbor_distances[:, :_MAX_NEIGHBORS]
    )
    graph = igraph.Graph(n=num_rows)
    edges = zip(memoryview(rows), memoryview(neighbors), strict=True)  # one array takes igraph seven times as long
    graph.add_edges(edges)
    labels = np.arange(num_rows)
    low, high = 0, len(_RESOLUTIONS) if graph.ecount() else 0
    tried = (low + high) // 2
    while low < high:  # more resolution gives more clusters, so that a few tries of seven tell
        igraph.set_random_number_generator(random.Random(seed))
        found = graph.community_leiden("modularity", weights=strengths, resolution=_RESOLUTIONS[tried])
        share = len(found) / (np.sqrt(num_rows) / 2)
        if share >= 1.0 or tried == len(_RESOLUTIONS) - 1:
            labels = np.asarray(found.membership)
        low, high = (low, tried) if share >= 1.0 else (tried + 1, high)
        tried = (high - 1 if share >= 1.0 else low) if 0.5 < share < 2.0 else (low + high) // 2
    igraph.set_random_number_generator(random)
    return _ordered_by_size(labels)


def distinctive_terms(texts: Sequence[str], labels: NDArray[Any], num_terms: int) -> list[list[str]]:
    """The words that set each cluster apart, best first, at most num_terms each; entry i is cluster i.

    Class-based TF-IDF (Grootendorst 2022, arxiv.org/abs/2203.05794): share of the cluster's words times
    log(1 + mean words a cluster / words in all). Words without English stop words, from the first 1,000 characters of
    each text; a cluster without words has no terms.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer=_words, max_features=_MAX_TERMS, dtype=np.int64)
    try:
        counts = vectorizer.fit_transform(_joined(texts, labels)).tocsr()
    except ValueError:  # what scikit-learn says when there is not a single word
        return [[] for _ in range(int(np.max(labels, initial=-1)) + 1)]
    names = vectorizer.get_feature_names_out()
    totals = np.asarray(counts.sum(axis=0)).ravel()
    rarity = np.log1p(totals.sum() / counts.shape[0] / totals)
    return [_best_terms(counts[label], rarity, names, num_terms) for label in range(counts.shape[0])]


def _undirected(indices: NDArray[Any], distances: NDArray[Any]) -> tuple[NDArray[np.int64], list[float]]:
    """Each edge once [2, E], with its cosine of unit rows as strength (at least 0.01, so that it counts)."""
    num_rows, width = indices.shape
    ends = np.stack([np.repeat(np.arange(num_rows), width), indices.ravel().astype(np.int64)], axis=1)
    _, first = np.unique(ends.min(axis=1) * num_rows + ends.max(axis=1), return_index=True)
    cosines = 1.0 - distances.ravel()[first].astype(np.float64) ** 2 / 2.0
    return np.ascontiguousarray(ends[first].T), np.maximum(cosines, 0.01).tolist()


def _ordered_by_size(labels: Int64Vector) -> Int32Vector:
    _, first, found, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(sizes), np.int32)
    rank[np.lexsort((first, -sizes))] = np.arange(len(sizes), dtype=np.int32)
    return rank[found]


def _joined(texts: Sequence[str], labels: NDArray[Any]) -> Iterator[list[str]]:
    order = np.argsort(labels, kind="stable")
    edges = np.searchsorted(labels[order], np.arange(int(np.max(labels, initial=-1)) + 2))
    for start, stop in itertools.pairwise(edges):
        yield [texts[row] for row in order[start:stop]]


def _words(texts: list[str]) -> Iterator[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    for text in texts:
        for word in _WORDS.findall(text[:_MAX_CHARACTERS].casefold()):
            if word and word not in ENGLISH_STOP_WORDS:
                yield word


def _best_terms(counts: Any, rarity: Float64Vector, names: NDArray[Any], num_terms: int) -> list[str]:
    """Terms of one cluster by count times rarity; equal scores in alphabetical order."""
    scores = counts.data * rarity[counts.indices]
    order = np.lexsort((counts.indices, -scores))[:num_terms]
    return [str(name) for name in names[counts.indices[order]]]
