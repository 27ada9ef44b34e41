"""The layout, given the graph, against umap-learn from the vectors; that it can be trusted as much is asked first."""

from __future__ import annotations

import numpy as np

from benchmark.baselines import Baselines
from benchmark.corpus import Corpus
from benchmark.figures.findings import Findings
from benchmark.figures.measure import Measure
from benchmark.stages import run_layout
from kat_ray.arrays import Float32Matrix
from kat_ray.geometry.layout_quality import outlier_share, trustworthiness

_SAMPLE_ROWS = 1000
_TRUST_GIVEN_AWAY = 0.005


def measure_layout(corpus: Corpus, baselines: Baselines) -> Findings:
    """The layout of all prompts."""
    snapshot, found = corpus.snapshot, Findings()
    if corpus.is_built:
        points, stages = snapshot.layout, corpus.built.stages
        seconds, note = stages["layout"], "Stage of the build, with its look at quality, beside the scores."
    else:
        points, seconds = run_layout(snapshot, corpus.folder / "layout")
        note = "The stage by itself."
    theirs = baselines.layout
    found.measures.append(Measure.less("layout, given the graph", "s", seconds, theirs.seconds, 1.5, note))
    if corpus.is_built:
        whole = seconds + stages["neighbors"]
        found.measures.append(Measure.less("layout, with its graph", "s", whole, theirs.seconds))
    _judge(snapshot.embeddings, points, theirs.result, found)
    return found


def _judge(vectors: Float32Matrix, ours: Float32Matrix, theirs: Float32Matrix, found: Findings) -> None:
    sample = np.sort(np.random.default_rng(0).permutation(len(vectors))[:_SAMPLE_ROWS])
    trust, least = (trustworthiness(vectors, points, sample) or 0.0 for points in (ours, theirs))
    note = f"Theirs {least:.4f}; over {len(sample):,} rows."
    found.gate(Measure.at_least("layout, trustworthiness", "", trust, round(least - _TRUST_GIVEN_AWAY, 5), note))
    share = outlier_share(ours) or 0.0
    note = f"Rows farther than 10 IQR; theirs {outlier_share(theirs) or 0.0:.2g}."
    found.gate(Measure.at_most("layout, outliers", "", share, 0.0, note))
