"""Batches of near-equal length: the plan, the padding, and the mean over true tokens.

The plan depends on the lengths only, so that equal blocks of texts go through the device in equal shapes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix, Int32Vector, Int64Vector

_WIDTH_STEP = 4


def plan_batches(lengths: Int32Vector, token_budget: int) -> Iterator[Int64Vector]:
    """Rows of each batch: texts by (length, row), as many as fit the budget once padded to the longest, at least 1.

    Lengths count in steps of 4, so that a device which prepares itself for every shape meets few of them.
    """
    order = np.argsort(lengths, kind="stable")
    start = 0
    for position, row in enumerate(order):
        if position > start and (position + 1 - start) * stepped(int(lengths[row])) > token_budget:
            yield order[start:position]
            start = position
    if start < len(order):
        yield order[start:]


def stepped(length: int) -> int:
    """The next multiple of 4."""
    return -(-length // _WIDTH_STEP) * _WIDTH_STEP


def pad(ids: Int32Vector, lengths: Int32Vector, pad_id: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Ids [B, width] padded on the right, and the mask of true tokens [B, width], by length and never by id."""
    mask = np.arange(width) < lengths[:, None]
    padded = np.full(mask.shape, pad_id, dtype=np.int64)
    padded[mask] = ids
    return padded, mask


def masked_mean(hidden: NDArray[np.float32], mask: NDArray[np.bool_]) -> Float32Matrix:
    """Mean of hidden states [B, T, D] over the true tokens, [B, D]."""
    shares = mask / mask.sum(axis=1, keepdims=True)
    pooled: Float32Matrix = np.einsum("btd,bt->bd", hidden, shares.astype(np.float32))
    return pooled
