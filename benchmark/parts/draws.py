"""Draws by weight in process, with what the base install has, against NumPy and PyTorch."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from benchmark.corpus import Corpus
from benchmark.figures.findings import Findings
from benchmark.figures.measure import Measure
from kat_ray.arrays import Float64Vector
from kat_ray.client.chi_square import pearson, survival
from kat_ray.geometry.sampling import CumulativeTable, draw

_TIMES = 5
_LEAST_CHANCE = 1e-4


def measure_draws(corpus: Corpus) -> Findings:
    """By the weights of the snapshot."""
    return compare_draws(np.array(corpus.snapshot.weights), corpus.sizes.draws)


def compare_draws(weights: Float64Vector, num_draws: int) -> Findings:
    """With replacement from a table that is made once, since the weights stay the same for a whole training."""
    import torch

    generator, table, tensor = np.random.default_rng(1), CumulativeTable(weights), torch.from_numpy(weights)
    ours = _milliseconds(lambda: draw(table, num_draws, "with_replacement", seed=1))
    spread = _milliseconds(lambda: draw(weights, num_draws, "systematic", seed=1))
    once = _milliseconds(lambda: CumulativeTable(weights))
    by_numpy = _milliseconds(lambda: generator.choice(len(weights), num_draws, p=weights))
    by_torch = _milliseconds(lambda: torch.multinomial(tensor, num_draws, replacement=True))
    note = f"{num_draws:,} of {len(weights):,} rows, best of {_TIMES}. The table is made once, in {once:.1f} ms."
    found = Findings(
        [
            Measure.less("draws, against Generator.choice", "ms", ours, by_numpy, 8, note),
            Measure.less("draws, against torch.multinomial", "ms", ours, by_torch, 15),
            Measure.less("systematic, against Generator.choice", "ms", spread, by_numpy),
        ]
    )
    chance = draw_chance(weights, num_draws)
    note = "Of counts as far from the weights (Pearson); below the bar these are no draws by weight."
    found.gate(Measure.at_least("draws, chance of their counts", "", chance, _LEAST_CHANCE, note))
    found.expect(chance <= 1 - _LEAST_CHANCE, "The counts of the draws fit the weights better than draws by chance do.")
    return found


def draw_chance(weights: Float64Vector, num_draws: int) -> float:
    """The chance that true draws miss the weights as far as ours do."""
    counts = np.bincount(draw(weights, num_draws, "with_replacement", seed=2), minlength=len(weights))
    statistic, degrees = pearson(weights / weights.sum() * num_draws, counts.astype(np.float64))
    return survival(statistic, degrees) if degrees else 0.0


def _milliseconds(call: Callable[[], object]) -> float:
    """Of the best of some."""
    taken = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return 1e3 * min(taken)
