"""The exact nearest neighbors of each row, from any split of the corpus into shards and of the queries into blocks.

Knows vectors and row numbers; nothing of files, prompts or Ray. Self is removed by index, never by position.

How exactness is had at a fraction of the price of a float32 search: fast arithmetic proposes rows and a bound on the
distance of all others (`candidates`, on a GPU `tensor_shard`); the distances of the proposed ones are computed
directly in float64; and a row is done only when the bound proves that every row left out is farther than the last one
kept. Rows without that proof (among many near duplicates) are scanned again in float32, whose own error is bounded
likewise: a sum of D products in any order is within gamma_D |x| |y| of the true one, gamma_n = n u / (1 - n u) and
u = 2**-24 (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 3.1 and 3.5), and the squared distance
|x|^2 + |y|^2 - 2 x.y adds three roundings. So the result is a function of the vectors alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from kat_ray.arrays import Float32Matrix, Float64Matrix, Float64Vector, IndexMatrix, Int64Vector
from kat_ray.errors import InputError
from kat_ray.geometry.distances import nearest_of, squared_norms

if TYPE_CHECKING:
    from kat_ray.geometry.candidates import CodedShard
    from kat_ray.geometry.tensor_shard import TensorShard

Device = Literal["cpu", "gpu"]

_SLACK = 1.0 + 1e-9  # covers the rounding of the float64 distances themselves
_SCAN_BYTES = 64 << 20  # float32 products held at once while unproved rows are scanned
_LARGEST_LENGTH = 1e6  # keeps float32 sums far from overflow; embeddings have norm 1


@dataclass(frozen=True, slots=True)
class Neighbors:
    """The nearest rows of each query: ascending by distance, equal distances by the lower row.

    indices int64 [Q, K], rows of the corpus, -1 where the shard had fewer; distances float64 [Q, K], inf there.
    """

    indices: IndexMatrix
    distances: Float64Matrix


class Measured(NamedTuple):
    """Rows float32 [., D] and their Euclidean norms float64 [.]."""

    vectors: Float32Matrix
    lengths: Float64Vector


class ExactIndex:
    """Exact search in one shard, checked and measured once for any number of query blocks.

    Row i of the shard float32 [S, D] is corpus row shard_start + i. A contiguous shard is held without a copy, and
    beside it a quarter of its size in 8-bit integers; on a GPU a copy stays resident as long as the index. Nothing is
    written to, and rows need not be unit rows. Threads are those of torch and NumPy in this process.

    Raises:
        InputError: another shape or dtype, NaN or infinity, rows longer than 1e6.
        ResourceError: device "gpu" where torch sees none.
    """

    def __init__(self, shard: Float32Matrix, shard_start: int = 0, *, device: Device = "cpu") -> None:
        self._held = measured("shard", shard)
        self._start = shard_start
        self._finder = _finder(device)(*self._held) if len(shard) else None

    def search(
        self, queries: Float32Matrix, query_rows: Int64Vector, k: int, reach: Float64Vector | None = None
    ) -> Neighbors:
        """The exact k nearest rows of the shard for each query [Q, D]. Cost: 2 Q S D operations on 8-bit integers.

        query_rows [Q] are the corpus rows of the queries, which are not their own neighbors; -1 for unseen vectors.
        With a `reach` [Q], a distance for each query, what is farther than that may be left out: nothing is lost in a
        `merge` with k neighbors within it, and nearly all measuring is saved where few are nearer than these.

        Raises:
            InputError: shapes or dtypes that do not fit, NaN or infinity, rows longer than 1e6.
        """
        shard, asked = self._held.vectors, measured("queries", queries)
        _require_fitting(queries, query_rows, shard)
        if k == 0 or len(queries) == 0 or self._finder is None:
            return _nobody(len(queries), k)
        own_rows = query_rows - self._start
        rows, nearest_left_out = self._finder.find(asked.vectors, asked.lengths, own_rows, k, reach)
        indices, distances = self._finder.measure(asked.vectors, own_rows, rows, k)
        squares = np.minimum(distances[:, -1], np.inf if reach is None else reach) ** 2 * _SLACK
        unproved = np.flatnonzero(~((nearest_left_out > squares) | np.isinf(nearest_left_out)))  # nothing is left out
        for query, possible in _possible_rows(asked, self._held, unproved, squares):
            row = slice(query, query + 1)
            indices[row], distances[row] = nearest_of(queries[row], own_rows[row], shard, possible[None], k)
        return Neighbors(np.where(indices < 0, -1, indices + self._start), distances)


def search(
    queries: Float32Matrix,
    query_rows: Int64Vector,
    shard: Float32Matrix,
    shard_start: int,
    k: int,
    *,
    device: Device = "cpu",
) -> Neighbors:
    """One search in a shard that no other queries come to: as `ExactIndex` and its `search`."""
    return ExactIndex(shard, shard_start, device=device).search(queries, query_rows, k)


def merge(left: Neighbors, right: Neighbors, k: int) -> Neighbors:
    """The k nearest of two results for the same queries over different shards; associative and commutative."""
    if len(left.indices) != len(right.indices):
        raise InputError(f"Cannot merge neighbors of {len(left.indices):,} and {len(right.indices):,} queries.")
    indices = np.concatenate([left.indices, right.indices], axis=1)
    distances = np.concatenate([left.distances, right.distances], axis=1)
    order = np.lexsort((indices, distances), axis=1)[:, :k]
    kept = Neighbors(np.take_along_axis(indices, order, axis=1), np.take_along_axis(distances, order, axis=1))
    return kept if kept.indices.shape[1] == k else _padded(kept, k)


def exact_neighbors(
    vectors: Float32Matrix, k: int, *, block_rows: int = 4096, shard_rows: int | None = None, device: Device = "cpu"
) -> Neighbors:
    """The exact graph of all rows of vectors [N, D] in one process, k clamped to N - 1."""
    num_rows = len(vectors)
    k = max(0, min(k, num_rows - 1))
    shard_rows = shard_rows or max(num_rows, 1)
    starts = range(0, max(num_rows, 1), block_rows)
    blocks = [_nobody(len(vectors[start : start + block_rows]), k) for start in starts]
    for shard_start in range(0, num_rows, shard_rows):
        index = ExactIndex(vectors[shard_start : shard_start + shard_rows], shard_start, device=device)
        for number, start in enumerate(starts):
            queries = vectors[start : start + block_rows]
            found = index.search(queries, np.arange(start, start + len(queries)), k)
            blocks[number] = merge(blocks[number], found, k)
    return Neighbors(np.concatenate([b.indices for b in blocks]), np.concatenate([b.distances for b in blocks]))


def measured(name: str, vectors: Float32Matrix) -> Measured:
    """Check vectors [., D] and measure their lengths.

    Raises:
        InputError: another shape or dtype, NaN or infinity, rows longer than 1e6.
    """
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise InputError(f"{name} is {vectors.dtype} of shape {vectors.shape}, expected float32 rows [., D].")
    lengths = np.sqrt(squared_norms(vectors))
    if len(bad := np.flatnonzero(~(lengths <= _LARGEST_LENGTH))):
        raise InputError(f"{name} holds NaN, infinity or a norm above {_LARGEST_LENGTH:g}, first in row {bad[0]:,}.")
    return Measured(np.asarray(vectors), lengths)


def _finder(device: Device) -> type[CodedShard | TensorShard]:
    """Both need torch, which whoever only plans a search does without."""
    if device == "gpu":
        from kat_ray.geometry.tensor_shard import TensorShard

        return TensorShard
    from kat_ray.geometry.candidates import CodedShard

    return CodedShard


def _possible_rows(
    asked: Measured, held: Measured, unproved: Int64Vector, squares: Float64Vector
) -> Iterator[tuple[int, Int64Vector]]:
    """Each unproved query with the shard rows, ascending, that float32 cannot prove to be farther than its square."""
    bounds = squares + _float32_error(held.vectors.shape[1], asked.lengths + held.lengths.max())
    block_rows = max(1, _SCAN_BYTES // (4 * len(held.vectors)))
    for start in range(0, len(unproved), block_rows):
        block = unproved[start : start + block_rows]
        for query, products in zip(block.tolist(), asked.vectors[block] @ held.vectors.T, strict=True):
            squares = asked.lengths[query] ** 2 + held.lengths**2 - 2.0 * products
            yield query, np.flatnonzero(squares <= bounds[query])


def _float32_error(dimension: int, reach: Float64Vector) -> Float64Vector:
    """Largest error of squared distances in float32, where `reach` [Q] is the sum of the lengths of the two rows.

    Of each term what is below the smallest normal number may be lost, too.
    """
    terms = (dimension + 4) * 2.0**-24
    return np.asarray(terms / (1.0 - terms) * reach**2 + (dimension + 4) * 2.0**-124)


def _require_fitting(queries: Float32Matrix, query_rows: Int64Vector, shard: Float32Matrix) -> None:
    if shard.shape[1] != queries.shape[1]:
        raise InputError(f"shard has {shard.shape[1]} dimensions, the queries {queries.shape[1]}: not of one encoder.")
    if len(query_rows) != len(queries):
        raise InputError(f"query_rows has {len(query_rows):,} rows but there are {len(queries):,} queries.")


def _nobody(num_queries: int, k: int) -> Neighbors:
    return Neighbors(np.full((num_queries, k), -1, np.int64), np.full((num_queries, k), np.inf))


def _padded(found: Neighbors, k: int) -> Neighbors:
    return merge(found, _nobody(len(found.indices), k), k)
