"""A store that grows by one hundredth: the share of the full time, and whether the graph is that of a fresh build."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmark.builds import run_build
from benchmark.corpus import Corpus
from benchmark.figures.findings import Findings
from benchmark.figures.measure import Measure
from benchmark.stages import run_graph
from benchmark.truth import direct_distances
from kat_ray.snapshot.snapshot import Snapshot

_SAME_DISTANCE = 1e-6


def measure_growth(corpus: Corpus) -> Findings:
    """The build of the old pairs and some new ones, into the store that has the old ones and whose map goes on."""
    full, found = corpus.built, Findings()
    pairs = [corpus.pairs, corpus.more_pairs]
    store = str(corpus.folder / "store")
    grown = run_build(pairs, store, "--encoder", corpus.encoder, "--map-of", store)
    old, embedded = full.line["prompts"], grown.line["embedded"]
    found.expect(0.005 * old <= embedded <= 0.02 * old or old < 40_000, f"{embedded:,} new prompts are not about 1 %.")
    found.expect(grown.line["reused"] == old, f"Of {old:,} vectors {grown.line['reused']:,} were taken over.")
    fresh = run_graph(grown.snapshot, corpus.folder / "fresh", grown.snapshot.neighbor_indices.shape[1], "exact")
    differing = differing_rows(grown.snapshot, fresh.indices, fresh.distances)
    found.gate(Measure.at_most("grown graph, rows unlike a fresh one", "", differing, 0, "Ties do not count."))
    share = 100 * grown.seconds / full.seconds
    took = ", ".join(f"{name} {seconds:.1f}" for name, seconds in grown.stages.items())
    note = f"{grown.seconds:.1f} s for {embedded:,} new prompts, {full.seconds:,.0f} s for all. "
    note += f"Its stages: {took} s. The map goes on, where the full time has one drawn."
    found.measures.append(Measure.at_most("growth by 1 %, of the full time", "%", share, 10, note))
    return found


def differing_rows(snapshot: Snapshot, indices: NDArray[np.int32], distances: NDArray[np.float32]) -> int:
    """Rows of a snapshot's graph that have other distances, or a neighbor that is not at its distance."""
    ours, told = snapshot.neighbor_indices, snapshot.neighbor_distances
    if ours.shape != indices.shape:
        return len(ours)
    differs = (np.abs(told - distances) > _SAME_DISTANCE).any(axis=1)
    differs |= (ours == np.arange(len(ours))[:, None]).any(axis=1) | (np.diff(np.sort(ours, axis=1)) == 0).any(axis=1)
    other = np.flatnonzero((ours != indices).any(axis=1) & ~differs)
    true = direct_distances(snapshot.embeddings, other, ours[other])
    differs[other] = (np.abs(true - told[other]) > _SAME_DISTANCE).any(axis=1)
    return int(differs.sum())
