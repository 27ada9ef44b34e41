"""The neighbor graph, exact and approximate, against brute force; whether it is right is asked first."""

from __future__ import annotations

import numpy as np

from benchmark.baselines import Baselines
from benchmark.corpus import Corpus
from benchmark.figures.findings import Findings
from benchmark.figures.measure import Measure
from benchmark.stages import run_graph
from benchmark.truth import direct_distances, recall_by_graph, recall_by_truth

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
    """The index that is not exact, as a build makes it; numbers: its "seconds"."""
    snapshot, brute, found = corpus.snapshot, baselines.brute, Findings()
    is_exact = snapshot.manifest.parameters.get("index") == "exact"
    found.expect(is_exact, "The snapshot's own graph is not exact, so that no recall can be measured by it.")
    graph = run_graph(snapshot, corpus.folder / "approximate", _K, "approximate")
    shares = recall_by_graph(graph.indices, graph.distances, snapshot.neighbor_distances)
    note = f"The stage with its own look at recall. Theirs {brute.law('quadratic')}."
    found.measures.append(Measure.less("approximate graph", "s", graph.seconds, brute.in_all, 15, note))
    told = "Over all rows, ties count."
    found.gate(Measure.at_least("approximate graph, recall@15", "", float(shares.mean()), 0.99, told))
    found.gate(Measure.at_least("approximate, 1st percentile row", "", float(np.percentile(shares, 1)), 0.8))
    rows = np.arange(0, len(shares), max(1, len(shares) // corpus.sizes.truth))
    true = direct_distances(snapshot.embeddings, rows, graph.indices[rows])
    is_true = bool((np.abs(true - graph.distances[rows]) <= _SAME_DISTANCE).all())
    found.expect(is_true, "Distances of the approximate graph are not those of its neighbors.")
    found.numbers["seconds"] = graph.seconds
    found.measures.append(_descent(corpus, baselines, graph.seconds))
    return found


def _descent(corpus: Corpus, baselines: Baselines, seconds: float) -> Measure:
    """What one would use instead, with its own recall."""
    snapshot, plain = corpus.snapshot, baselines.descent
    indices, rows = plain.result.astype(np.int64), np.arange(snapshot.num_prompts)
    shares = recall_by_graph(indices, direct_distances(snapshot.embeddings, rows, indices), snapshot.neighbor_distances)
    note = f"Its recall {shares.mean():.4f}, 1st percentile {np.percentile(shares, 1):.2f}; its compiling counts."
    return Measure.less("approximate, against pynndescent", "s", seconds, plain.seconds, note=note)
