"""An encoder out of a tokenizer and an engine: batches through the device, and a check of every vector that returns."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from kat_ray.arrays import Float32Matrix, Int32Vector
from kat_ray.encoders.batches import plan_batches
from kat_ray.encoders.encoder import EncoderIdentity, Tokens
from kat_ray.encoders.tokenizer import TextTokenizer
from kat_ray.errors import EncoderError


class Engine(Protocol):
    """A model on a device."""

    @property
    def token_budget(self) -> int:
        """Tokens of one batch, padding included, at which the device is fast."""
        ...

    def pool(self, ids: Int32Vector, lengths: Int32Vector) -> Float32Matrix:
        """One vector a text, [B, D], not yet of unit length; ids [sum(lengths)] hold one text after the other."""
        ...


class BatchedEncoder:
    """A tokenizer and an engine, called in turn; one thread at a time."""

    def __init__(
        self, identity: EncoderIdentity, tokenizer: TextTokenizer, engine: Engine, epoch: int | None = None
    ) -> None:
        self.identity = identity
        self.epoch = epoch
        self.tokenize = tokenizer
        self._engine = engine

    def encode(self, tokens: Tokens) -> Float32Matrix:
        """Unit rows [B, D] in input order. Raises EncoderError when a vector is not finite or has no direction."""
        vectors = np.empty((len(tokens.lengths), self.identity.dimension), dtype=np.float32)
        ends = np.cumsum(tokens.lengths, dtype=np.int64)
        for rows in plan_batches(tokens.lengths, self._engine.token_budget):
            lengths = tokens.lengths[rows]
            ids = np.concatenate([tokens.ids[ends[row] - tokens.lengths[row] : ends[row]] for row in rows])
            vectors[rows] = self._engine.pool(ids, lengths)
        return _unit_rows(vectors, self.identity)


def _unit_rows(vectors: Float32Matrix, identity: EncoderIdentity) -> Float32Matrix:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    usable = np.isfinite(norms) & (norms > 0)
    if not usable.all():
        row = int(np.flatnonzero(~usable)[0])
        raise EncoderError(
            f"{identity.name} gives a vector of length {float(norms[row, 0])} for text {row} of this block; expected "
            f"a finite length above 0. The weights are damaged, or {identity.precision} is too narrow: try float32."
        )
    vectors /= norms
    return vectors
