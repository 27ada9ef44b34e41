"""Rows that can be among the nearest ones, by FAISS on a GPU in float32.

Knows vectors and positions in one shard. The error bound: a float32 sum of D products in any order is within
gamma_D |x| |y| of the true one, where gamma_n = n u / (1 - n u), u = 2**-24 (Higham, Accuracy and Stability of
Numerical Algorithms, 2nd ed., 3.1 and 3.5). The squared distance |x|^2 + |y|^2 - 2 x.y adds three roundings: it is
within gamma_(D+4) (|x| + |y|)^2.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import Any

import numpy as np

from kat_ray.arrays import Float32Matrix, Float64Vector, Int64Vector
from kat_ray.errors import ResourceError
from kat_ray.geometry.candidates import Candidates

_SPARE_CANDIDATES = 12  # beyond k and self: the gap they open lets nearly every row be proved


class GpuShard:
    """A shard float32 [S, D] with the lengths of its rows [S], copied to this process's GPU for as long as it lives.

    Raises:
        ResourceError: FAISS sees no GPU.
    """

    def __init__(self, vectors: Float32Matrix, lengths: Float64Vector) -> None:
        resources = _resources()
        import faiss

        config = faiss.GpuIndexFlatConfig()
        config.use_cuvs = False  # FAISS's own kernels, whose sums in float32 the error bound is about
        self._index = faiss.GpuIndexFlatL2(resources, vectors.shape[1], config)
        self._index.add(vectors)
        self._longest = lengths.max()

    def find(self, queries: Float32Matrix, lengths: Float64Vector, _own_rows: Int64Vector, k: int) -> Candidates:
        """The rows nearest in float32 to each query [Q, D], a few more than k; its own row may be among them."""
        count = min(k + 1 + _SPARE_CANDIDATES, self._index.ntotal)
        squares, rows = self._index.search(queries, count)
        last_kept = squares[:, -1].astype(np.float64)
        nearest = last_kept - float32_error(queries.shape[1], lengths + self._longest)
        return Candidates(np.sort(rows, axis=1), np.where(count < self._index.ntotal, nearest, np.inf))


def float32_error(dimension: int, reach: Float64Vector) -> Float64Vector:
    """Largest error of squared distances in float32, where `reach` [Q] is the sum of the lengths of the two rows."""
    terms = (dimension + 4) * 2.0**-24
    return np.asarray(terms / (1.0 - terms) * reach**2)


@functools.cache
def _resources() -> Any:
    """FAISS's scratch memory on the GPU, once a process."""
    faiss: Any = importlib.import_module("faiss") if importlib.util.find_spec("faiss") else None
    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() == 0:
        raise ResourceError(
            "The neighbor search was asked to run on a GPU but FAISS sees none; install faiss-gpu on a machine with an "
            "NVIDIA GPU, or use the device cpu."
        )
    return faiss.StandardGpuResources()
