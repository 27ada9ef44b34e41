"""A shard in the memory of a device that torch computes on: the rows that can be nearest, and their exact distances.

Knows vectors and positions in one shard. Rows are rounded to bfloat16, whose products such a device sums in float32;
the lengths of what rounding took away bound the error of every product, as `candidates` has it for integers. The best
of a row of products are found in two steps, since the m best of all are among those in the m chunks with the largest
maxima: so the products are read once. Distances are summed in float64 in the order of `distances`, to the same bits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from kat_ray.arrays import Float32Matrix, Float64Matrix, Float64Vector, IndexMatrix, Int64Vector
from kat_ray.errors import ResourceError
from kat_ray.geometry.candidates import Candidates, score_slack

_TILE_ROWS = 65_536  # with 1,024 queries 256 MB of products
_CHUNK = 64
_SPARE = 44  # beyond k: leaves nearly no row of a real corpus without a proof
_MEASURED = 128  # queries whose candidates are measured together
_LANES = 32


class _Rounded(NamedTuple):
    """Vectors in bfloat16 [S, D], and the lengths of what that took away [S]."""

    vectors: Tensor
    rests: Float64Vector


class TensorShard:
    """A shard float32 [S, D] with the lengths of its rows [S]; holds S * D * 6 bytes on the device.

    Raises:
        ResourceError: the device "cuda" where torch sees none.
    """

    def __init__(self, vectors: Float32Matrix, lengths: Float64Vector, device: str = "cuda") -> None:
        if device == "cuda" and not torch.cuda.is_available():
            raise ResourceError(
                "The neighbor search was asked to run on a GPU but PyTorch sees none; install its CUDA build on a "
                "machine with an NVIDIA GPU, or use the device cpu."
            )
        self._vectors = torch.tensor(vectors, device=device)
        self._rounded = _round(self._vectors)
        self._longest = float(lengths.max())
        self._halves = torch.tensor(0.5 * lengths**2, dtype=torch.float32, device=device)

    def find(
        self,
        queries: Float32Matrix,
        lengths: Float64Vector,
        own_rows: Int64Vector,
        k: int,
        reach: Float64Vector | None = None,  # noqa: ARG002 - the k largest are found as fast as those within reach
    ) -> Candidates:
        """The rows with the largest scores for each query [Q, D] besides its own row, a few more than k."""
        asked = _round(torch.tensor(queries, device=self._vectors.device))
        own = torch.tensor(own_rows, device=self._vectors.device)
        num_rows, wanted = len(self._vectors), min(k + _SPARE, len(self._vectors))
        scores = torch.full((len(queries), 0), 0.0, device=own.device)
        rows = torch.full((len(queries), 0), 0, device=own.device)
        for start in range(0, num_rows, _TILE_ROWS):
            tile = self._scores(asked.vectors, start, own)
            more, places = _largest(tile, min(wanted, tile.shape[1]))
            scores, rows = torch.cat([scores, more], dim=1), torch.cat([rows, places + start], dim=1)
            scores, order = scores.topk(min(wanted, scores.shape[1]), dim=1)
            rows = rows.gather(1, order)
        least = scores[:, -1].double().cpu().numpy() if wanted < num_rows else -np.inf
        found = torch.where(scores > -torch.inf, rows, num_rows).sort(dim=1).values
        sums = self._vectors.shape[1] * 2.0**-23
        slack = score_slack(lengths, asked.rests, self._longest, float(self._rounded.rests.max()), sums)
        nearest = lengths**2 - 2.0 * (least + slack)
        return Candidates(torch.where(found < num_rows, found, -1).cpu().numpy(), nearest)

    def measure(
        self, queries: Float32Matrix, own_rows: Int64Vector, candidates: IndexMatrix, k: int
    ) -> tuple[IndexMatrix, Float64Matrix]:
        """The k nearest of the candidate rows: as `distances.nearest_of`, to the same bits."""
        parts = [slice(start, start + _MEASURED) for start in range(0, len(queries), _MEASURED)]
        found = [self._nearest(queries[part], own_rows[part], candidates[part], k) for part in parts]
        return np.concatenate([rows for rows, _ in found]), np.concatenate([lengths for _, lengths in found])

    def _scores(self, asked: Tensor, start: int, own: Tensor) -> Tensor:
        """x.y - |y|^2 / 2 for a tile of rows [Q, W], minus infinity for the query's own row."""
        held = self._rounded.vectors[start : start + _TILE_ROWS]
        scores = _products(asked, held) - self._halves[start : start + len(held)]
        is_here = (own >= start) & (own < start + len(held))
        scores[is_here, own[is_here] - start] = -torch.inf
        return scores

    def _nearest(self, queries: Float32Matrix, own_rows: Int64Vector, candidates: IndexMatrix, k: int) -> Any:
        device = self._vectors.device
        rows, own = torch.tensor(candidates, device=device), torch.tensor(own_rows, device=device)
        distances = _distances(torch.tensor(queries, device=device), self._vectors[rows.clamp(min=0)])
        distances[(rows < 0) | (rows == own[:, None])] = torch.inf
        kept, order = distances.sort(dim=1, stable=True)
        found = torch.where(kept < torch.inf, rows.gather(1, order), -1)[:, :k].cpu().numpy()
        padding = ((0, 0), (0, k - found.shape[1]))
        lengths = kept[:, :k].cpu().numpy()
        return np.pad(found, padding, constant_values=-1), np.pad(lengths, padding, constant_values=np.inf)


def _round(vectors: Tensor) -> _Rounded:
    rounded = vectors.bfloat16()
    rests = torch.linalg.vector_norm(vectors.double() - rounded.double(), dim=1)
    return _Rounded(rounded, rests.cpu().numpy() * (1.0 + 1e-12))


def _products(left: Tensor, right: Tensor) -> Tensor:
    """Sums in float32 of products of bfloat16 numbers [Q, W]."""
    if left.is_cuda:
        return torch.mm(left, right.T, out_dtype=torch.float32)
    return left.float() @ right.float().T


def _largest(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The largest `count` of each row of scores [Q, W] and their columns, in no order that matters."""
    num_chunks = scores.shape[1] // _CHUNK
    if num_chunks <= count:
        return scores.topk(count, dim=1)
    whole = scores[:, : num_chunks * _CHUNK].reshape(len(scores), num_chunks, _CHUNK)
    best = whole.amax(dim=2).topk(count, dim=1).indices
    columns = (best[:, :, None] * _CHUNK + torch.arange(_CHUNK, device=scores.device)).flatten(1)
    rest = torch.arange(num_chunks * _CHUNK, scores.shape[1], device=scores.device).expand(len(scores), -1)
    columns = torch.cat([columns, rest], dim=1)
    found, places = scores.gather(1, columns).topk(count, dim=1)
    return found, columns.gather(1, places)


def _distances(queries: Tensor, rows: Tensor) -> Tensor:
    """Euclidean distances [Q, C] in float64 of queries [Q, D] to rows [Q, C, D]."""
    differences = queries.double()[:, None, :] - rows.double()
    squares = torch.nn.functional.pad(differences * differences, (0, -queries.shape[1] % _LANES))
    lanes = squares.view(*squares.shape[:2], -1, _LANES)
    sums = torch.zeros_like(lanes[:, :, 0])
    for step in range(lanes.shape[2]):
        sums = sums + lanes[:, :, step]
    total = torch.zeros_like(sums[:, :, 0])
    for lane in range(_LANES):
        total = total + sums[:, :, lane]
    # On a CPU torch's root of a float64 is not always the nearest one; on a GPU it is.
    return total.sqrt() if total.is_cuda else torch.from_numpy(np.sqrt(total.numpy()))
