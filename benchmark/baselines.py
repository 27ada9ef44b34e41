"""What a user would do instead, each measured once a run and kept for all parts that compare with it."""

from __future__ import annotations

import importlib
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benchmark.corpus import Corpus
from benchmark.encoding import Encoded, encode_plainly
from kat_ray.arrays import Float32Matrix, Int64Vector
from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.model_files import find_model
from kat_ray.snapshot.snapshot import Snapshot

_TEXT_SHOWN = 500
_WARM_ROWS = 600  # what is compiled on the way counts for nobody
_COLOR = [0.5, 0.5, 0.5]


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds of a call over some rows, what it would take over all, and what it gave."""

    seconds: float
    in_all: float
    rows: int
    result: Any

    def law(self, name: str) -> str:
        """For a note, such as "from 40,000 rows, quadratic"; nothing where all rows were measured."""
        return f"from {self.rows:,} rows, {name}" if self.in_all != self.seconds else f"all {self.rows:,} rows"


def timed(call: Callable[[], Any], rows: int, total: int, power: int) -> Timed:
    """The seconds of a call over `rows` of `total`, extrapolated by (total / rows) ** power."""
    started = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - started
    return Timed(seconds, seconds * (total / rows) ** power, rows, result)


class Baselines:
    """Over the vectors and texts of one corpus; extrapolated to its rows."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    @cached_property
    def sample(self) -> list[str]:
        """The prompts that encoders are compared on."""
        return self._corpus.sample(self._corpus.sizes.encoded)

    @cached_property
    def encoded(self) -> Encoded:
        """SentenceTransformer.encode over the sample."""
        return encode_plainly(str(find_model(EncoderConfig().target).folder), self.sample)

    @cached_property
    def brute(self) -> Timed:
        """scikit-learn's brute force with all cores, K = 15, over sampled rows."""
        from sklearn.neighbors import NearestNeighbors

        vectors = self._sampled(self._corpus.sizes.brute)
        model = NearestNeighbors(n_neighbors=15, algorithm="brute", n_jobs=-1).fit(vectors)
        return timed(model.kneighbors, len(vectors), self._corpus.snapshot.num_prompts, 2)

    @cached_property
    def flat(self) -> Timed:
        """FAISS IndexFlatIP with all cores, K = 15, over the same rows."""
        import faiss

        vectors = self._sampled(self._corpus.sizes.brute)
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        return timed(lambda: index.search(vectors, 16), len(vectors), self._corpus.snapshot.num_prompts, 2)

    @cached_property
    def descent(self) -> Timed:
        """pynndescent with its defaults, K = 15 besides the row itself, over all rows; compiling counts."""
        from pynndescent import NNDescent

        vectors = np.asarray(self._corpus.snapshot.embeddings)
        count = len(vectors)
        return timed(lambda: NNDescent(vectors, n_neighbors=16).neighbor_graph[0][:, 1:], count, count, 1)

    @cached_property
    def layout(self) -> Timed:
        """umap-learn in 3D from the raw vectors, all rows, unseeded, all cores."""
        vectors = np.asarray(self._corpus.snapshot.embeddings)
        _umap(vectors[:_WARM_ROWS], n_jobs=-1)
        return timed(lambda: _umap(vectors, n_jobs=-1), len(vectors), len(vectors), 1)

    @cached_property
    def seeded_layout(self) -> Timed:
        """The same as the plain recipe has it, seeded and by cosine, over sampled rows."""
        vectors = self._sampled(self._corpus.sizes.seeded)
        total = self._corpus.snapshot.num_prompts
        _umap(vectors[:_WARM_ROWS], random_state=42, n_jobs=1, metric="cosine")
        return timed(lambda: _umap(vectors, random_state=42, n_jobs=1, metric="cosine"), len(vectors), total, 1)

    @cached_property
    def page(self) -> Timed:
        """Writing one JSON with a point a prompt, all prompts."""
        snapshot = self._corpus.snapshot
        path = self._corpus.folder / "embeddings_3d.json"

        def write() -> None:
            with path.open("w", encoding="utf-8") as target:
                json.dump({"points": _points(snapshot)}, target)

        return timed(write, snapshot.num_prompts, snapshot.num_prompts, 1)

    def _sampled(self, num_rows: int) -> Float32Matrix:
        vectors = self._corpus.snapshot.embeddings
        rows: Int64Vector = np.sort(np.random.default_rng(1).permutation(len(vectors))[:num_rows])
        return np.ascontiguousarray(vectors[rows])


def _umap(vectors: Float32Matrix, **options: Any) -> Float32Matrix:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own start, and of packages it does without
        umap = importlib.import_module("umap")
        model = umap.UMAP(n_components=3, n_neighbors=15, min_dist=0.1, **options)
        return np.asarray(model.fit_transform(vectors), np.float32)


def _points(snapshot: Snapshot) -> list[dict[str, Any]]:
    from kat_ray.snapshot.columns import read_table

    table = read_table(snapshot.location / "prompts.parquet", ["id", "text", "source"])
    names = (table[name].to_pylist() for name in ("id", "text", "source"))
    columns = (snapshot.layout.tolist(), snapshot.density_percentile.tolist(), snapshot.weights.tolist())
    return [
        {
            "id": name,
            **dict(zip("xyz", place, strict=True)),
            "size": 0.5 + 2.0 * (1.0 - density),
            "color": _COLOR,
            "density": density,
            "source": source,
            "weight": weight,
            "prefix": text[:_TEXT_SHOWN],
        }
        for name, text, source, place, density, weight in zip(*names, *columns, strict=True)
    ]
