"""What the engine takes besides its kernels: a build of about a minute against the same kernels in a plain loop."""

from __future__ import annotations

import sys

import numpy as np

from benchmark.builds import run_build, timed_process
from benchmark.corpus import Corpus
from benchmark.figures.findings import Findings
from benchmark.figures.measure import Measure
from benchmark.sizes import num_cores


def measure_overhead(corpus: Corpus) -> Findings:
    """Both are processes that are timed from start to end, over the same file, with the same weights in the end."""
    pairs = corpus.first_pairs(corpus.sizes.minute * num_cores())
    out = corpus.folder / "plain"
    built = run_build([pairs], str(corpus.folder / "minute"), "--encoder", corpus.encoder)
    command = [sys.executable, "-m", "benchmark.plain_loop", pairs, str(out), corpus.encoder]
    seconds, _ = timed_process(command)
    found, weights = Findings(), np.load(out / "weights.npy", allow_pickle=False)
    same = weights.shape == built.snapshot.weights.shape and np.allclose(weights, built.snapshot.weights, rtol=1e-6)
    found.expect(bool(same), "The plain loop has other weights than the build.")
    stages = built.stages
    in_stages = sum(stages.values()) - min(stages["scores"], stages["layout"])
    note = f"{built.seconds:.1f} s to {seconds:.1f} s for {len(weights):,} prompts; {built.seconds - in_stages:.1f} s "
    note += "of ours are no stage: start and end of the cluster, publication."
    share = 100 * (built.seconds / seconds - 1)
    found.measures.append(Measure.at_most("overhead of the engine", "%", share, 10, note))
    return found
