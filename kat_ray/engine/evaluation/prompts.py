"""Some prompts of a snapshot, of which encoders are asked who is rare, weighed as the snapshot weighs its own.

Runs on workers; knows snapshots and rows, nothing of how an encoder makes vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from kat_ray.arrays import Float32Matrix, Float64Vector, Int64Vector
from kat_ray.encoders.encoder import EncoderIdentity
from kat_ray.errors import InputError
from kat_ray.evaluation.rarity import prompt_weights
from kat_ray.geometry.weights import Estimator, WeightConfig
from kat_ray.snapshot.column_files import column_file
from kat_ray.snapshot.columns import read_npy_rows
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location

_FEWEST = 20  # of fewer prompts the rarest tenth is nobody


@dataclass(frozen=True, slots=True)
class PromptSample:
    """Evenly drawn prompts of one snapshot, and how they are weighed there but for the cap."""

    snapshot: Location
    num_prompts: int
    of_prompts: int
    seed: int
    k: int
    weighting: WeightConfig
    encoder: EncoderIdentity
    """The snapshot's own."""

    @property
    def rows(self) -> Int64Vector:
        """Rows of the prompts, ascending [n]."""
        drawn = np.random.default_rng(self.seed).choice(self.of_prompts, self.num_prompts, replace=False)
        return np.sort(drawn).astype(np.int64)

    def texts(self) -> list[str]:
        """What is embedded of each prompt."""
        texts: list[str] = Snapshot.open(self.snapshot).prompts(self.rows, ["text"])["text"].to_pylist()
        return texts

    def vectors(self) -> Float32Matrix:
        """Unit rows [n, D] by the snapshot's own encoder."""
        snapshot = Snapshot.open(self.snapshot)
        return read_npy_rows(column_file(snapshot.location, snapshot.manifest.column("embeddings")), self.rows)

    def weigh(self, vectors: Float32Matrix) -> Float64Vector:
        """Weights [n] of these prompts from vectors [n, D] of any encoder."""
        return prompt_weights(vectors, self.k, self.weighting)


def sample_prompts(uri: str, limit: int, seed: int) -> PromptSample:
    """At most `limit` prompts of the current snapshot of a store, or of one snapshot.

    Raises:
        SnapshotError: there is none, or it is damaged.
        InputError: it has too few prompts to compare.
    """
    snapshot = Snapshot.open(uri)
    num_prompts = min(limit, snapshot.num_prompts)
    if num_prompts < _FEWEST:
        raise InputError(
            f"Who is rare was asked of {num_prompts} prompts of {Location(uri)}, expected {_FEWEST} or more."
        )
    made = snapshot.manifest.diagnostics
    return PromptSample(
        snapshot=snapshot.location,
        num_prompts=num_prompts,
        of_prompts=snapshot.num_prompts,
        seed=seed,
        k=made["k"],
        # Without the cap, which changes nobody's order but makes all who reach it look equally rare.
        weighting=WeightConfig(power=made["power"], estimator=cast(Estimator, made["estimator"])),
        encoder=EncoderIdentity(**snapshot.manifest.encoder),
    )


def own_weights(sample: PromptSample) -> Float64Vector:
    """Weights [n] of the prompts by the snapshot's own encoder, over the sample like everybody else's."""
    return sample.weigh(sample.vectors())
