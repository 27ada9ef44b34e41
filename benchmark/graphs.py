"""The neighbor graph, exact and approximate, against brute force; whether it is right is asked first."""

from __future__ import annotations

from typing import get_args

import numpy as np

from benchmark.baselines import Baselines
from benchmark.corpus import Corpus
from benchmark.findings import Findings
from benchmark.measure import Measure
from benchmark.stages import run_graph
from benchmark.truth import direct_distances, recall_by_graph, recall_by_truth
from kat_ray.engine.neighbors import IndexKind

_K = 15
_SAME_DISTANCE = 1e-6


def measure_exact(corpus: Corpus, baselines: Baselines) -> Findings:
    """The exact graph as a build makes it."""
    snapshot, found = corpus.snapshot, Findings()
    if corpus.is_built:
        seconds, k = corpus.built.stages["neighbors"], snapshot.neighbor_indices.shape[1]
        indices, note = snapshot.neighbor_indices[:, :_K], f"Stage of the build, K = {k}."
    else:
        again = run_graph(snapshot, corpus.folder / "exact", _K, "exact")
        seconds, indices, note = again.seconds, again.indices, "The stage by itself."
    shares = recall_by_truth(snapshot.embeddings, indices, corpus.sizes.truth)
    brute, flat = baselines.brute, baselines.flat
    found.measures += [
        Measure.less("exact graph", "s", seconds, brute.in_all, 2, f"{note} Theirs {brute.law('quadratic')}."),
        Measure.less("exact graph, against FAISS flat", "s", seconds, flat.in_all, note=f"{flat.law('quadratic')}."),
    ]
    told = f"Ties count; {len(shares):,} rows against float64 among all."
    found.gate(Measure.at_least("exact graph, recall@15", "", float(shares.mean()), 1.0, told))
    found.numbers["seconds"] = seconds
    return found


def measure_approximate(corpus: Corpus, baselines: Baselines) -> Findings:
    """Every index that is not exact, as a build makes it; numbers: "seconds" of the fastest one."""
    found = Findings()
    is_exact = corpus.snapshot.manifest.parameters.get("index") == "exact"
    found.expect(is_exact, "The snapshot's own graph is not exact, so that no recall can be measured by it.")
    for kind in (name for name in get_args(IndexKind) if name != "exact"):
        _measure_index(kind, corpus, baselines, found)
    plain = baselines.descent
    indices = plain.result.astype(np.int64)
    rows = np.arange(len(indices))
    shares = recall_by_graph(
        indices, direct_distances(corpus.snapshot.embeddings, rows, indices), corpus.snapshot.neighbor_distances
    )
    note = f"Recall {shares.mean():.4f}, 1st percentile {np.percentile(shares, 1):.2f}; compiling counts."
    found.measures.append(Measure("pynndescent with its defaults", "s", plain.seconds, note=note))
    return found


def _measure_index(kind: IndexKind, corpus: Corpus, baselines: Baselines, found: Findings) -> None:
    snapshot, brute = corpus.snapshot, baselines.brute
    graph = run_graph(snapshot, corpus.folder / kind, _K, kind)
    shares = recall_by_graph(graph.indices, graph.distances, snapshot.neighbor_distances)
    note = f"Index {kind}, the stage with its own look at recall. Theirs {brute.law('quadratic')}."
    found.measures.append(Measure.less(f"graph by {kind}", "s", graph.seconds, brute.in_all, 15, note))
    found.gate(Measure.at_least(f"{kind}, recall@15", "", float(shares.mean()), 0.99, "Over all rows, ties count."))
    found.gate(Measure.at_least(f"{kind}, 1st percentile row", "", float(np.percentile(shares, 1)), 0.8))
    rows = np.arange(0, len(shares), max(1, len(shares) // corpus.sizes.truth))
    true = direct_distances(snapshot.embeddings, rows, graph.indices[rows])
    is_true = bool((np.abs(true - graph.distances[rows]) <= _SAME_DISTANCE).all())
    found.expect(is_true, f"Distances of the index {kind} are not those of its neighbors.")
    found.numbers["seconds"] = min(graph.seconds, found.numbers.get("seconds", graph.seconds))
