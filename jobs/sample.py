"""Draw prompts by weight: rare prompts more, common ones less.

By default distinct prompts, in draw order. With --systematic a training list instead, in which a prompt with
probability p stands floor or ceil of budget * p times. With --k or --eps the weights are those of mean similarity,
1 / (eps + max(0, mean cosine to k neighbors)).

Examples:
    python -m jobs.sample --snapshot store --budget 1000 --out sampled_ids.txt
    python -m jobs.sample --snapshot store --budget 50000 --systematic --seed 3 --out list.txt
    python -m jobs.sample --emb embeddings.pt --budget 1000 --k 20 --eps 1e-3 --out sampled_ids.txt
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.command import refuse_relative, run_job
from kat_ray.errors import InputError
from kat_ray.geometry.diagnostics import diagnose
from kat_ray.geometry.neighbors import exact_neighbors
from kat_ray.geometry.sampling import systematic, without_replacement
from kat_ray.geometry.weights import WeightConfig, crowding_of, weights
from kat_ray.snapshot.embedding_files import read_embeddings
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location

SIMILARITY_K = 20
SIMILARITY_EPS = 1e-3


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """From what, how many, and where to."""

    budget: int
    """How many ids; more than there are gives all of them."""
    out: str
    """File for the ids, one a line, in draw order."""
    snapshot: str | None = None
    """A store (its current snapshot) or one snapshot: its weights are used."""
    emb: str | None = None
    """Instead of a snapshot: an embeddings.pt, or a folder with embeddings.npy and ids.json."""
    k: int | None = None
    """Neighbors of the similarity weights [20 with --emb]; the snapshot's own weights when not given."""
    eps: float | None = None
    """Keeps similarity weights finite [1e-3]."""
    seed: int = 42
    """Same seed, same draw."""
    systematic: bool = False
    """A training list with repeats instead of distinct prompts."""


def run(options: SampleOptions) -> dict[str, Any]:
    """Draw, write the file, and say how the draw differs from a uniform one."""
    refuse_relative(options.snapshot, options.emb, options.out)
    if options.k is not None and options.k < 1:
        raise InputError(f"--k is {options.k}, expected at least 1 neighbor.")
    if options.budget < 1:
        raise InputError(f"--budget is {options.budget}, expected at least 1.")
    ids, probabilities, density = _weigh(options)
    if options.systematic:
        rows = systematic(probabilities, options.budget, options.seed)
    else:
        rows = without_replacement(probabilities, min(options.budget, len(ids)), options.seed)
    Location(options.out).write_bytes("".join(f"{ids[row]}\n" for row in rows.tolist()).encode())
    numbers = diagnose(probabilities, density)
    sparse_share = float((density[rows] <= np.quantile(density, 0.25)).mean())
    print(
        f"Wrote {len(rows):,} of {len(ids):,} ids; {sparse_share:.1%} from the sparsest quarter (uniform: 25 %), "
        f"effective sample size {numbers.effective_sample_size:.3f} N.",
        file=sys.stderr,
    )
    return {
        "out": Location(options.out).shareable,
        "num_sampled": len(rows),
        "num_prompts": len(ids),
        "seed": options.seed,
        "effective_sample_size": numbers.effective_sample_size,
        "sparsest_quarter_share": sparse_share,
    }


def _weigh(options: SampleOptions) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Ids, probabilities and the density (up = crowded) that they come from."""
    if (options.snapshot is None) == (options.emb is None):
        raise InputError("Give one of --snapshot and --emb: the weights come from a snapshot or from embeddings.")
    similarity = WeightConfig(estimator="similarity", eps=options.eps if options.eps is not None else SIMILARITY_EPS)
    if options.emb is not None:
        ids, vectors = read_embeddings(Location(options.emb))
        k = options.k or SIMILARITY_K
        distances: NDArray[Any] = exact_neighbors(vectors, k).distances
        return ids, weights(distances, k, similarity).values, crowding_of(distances, k, similarity)
    snapshot = Snapshot.open(str(options.snapshot))
    names = snapshot.ids.to_pylist()
    if options.k is None and options.eps is None:
        return names, snapshot.weights, snapshot.density
    distances, k = snapshot.neighbor_distances, options.k or min(SIMILARITY_K, snapshot.neighbor_distances.shape[1])
    if k > distances.shape[1] and k < snapshot.num_prompts:
        raise InputError(f"--k is {k} but the snapshot stores {distances.shape[1]} neighbors; build it with --k {k}.")
    return names, weights(distances, k, similarity).values, crowding_of(distances, k, similarity)


if __name__ == "__main__":
    raise SystemExit(run_job("sample", SampleOptions, run, __doc__))
