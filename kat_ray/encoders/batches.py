"""Tokens to vectors in batches of near-equal length: the plan, the padding, and the checks of what an engine returns.

The plan depends on the lengths only, so that equal blocks of texts go through the device in equal shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix, Int32Vector, Int64Vector
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

    def __init__(self, identity: EncoderIdentity, tokenizer: TextTokenizer, engine: Engine) -> None:
        self.identity = identity
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


def plan_batches(lengths: Int32Vector, token_budget: int) -> Iterator[Int64Vector]:
    """Rows of each batch: texts by (length, row), as many as fit the budget once padded to the longest, at least 1."""
    order = np.argsort(lengths, kind="stable")
    start = 0
    for position, row in enumerate(order):
        if position > start and (position + 1 - start) * int(lengths[row]) > token_budget:
            yield order[start:position]
            start = position
    if start < len(order):
        yield order[start:]


def pad(ids: Int32Vector, lengths: Int32Vector, pad_id: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Right-padded ids [B, T] and the mask of true tokens [B, T], by length and never by id."""
    mask = np.arange(lengths.max()) < lengths[:, None]
    padded = np.full(mask.shape, pad_id, dtype=np.int64)
    padded[mask] = ids
    return padded, mask


def masked_mean(hidden: NDArray[np.float32], mask: NDArray[np.bool_]) -> Float32Matrix:
    """Mean of hidden states [B, T, D] over the true tokens, [B, D]."""
    shares = mask / mask.sum(axis=1, keepdims=True)
    pooled: Float32Matrix = np.einsum("btd,bt->bd", hidden, shares.astype(np.float32))
    return pooled


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
