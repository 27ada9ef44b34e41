"""UMAP's optimization of a layout in three dimensions, with any number of threads and always the same result.

Knows a weighted graph and a start; nothing of vectors or maps. Forces, their rates and their fall over the epochs are
those of umap-learn 0.5 (McInnes, Healy and Melville 2018, arXiv:1802.03426). Three things differ, and make it several
times as fast at the same or better trustworthiness: a point moves by where the others were at the end of the epoch
before, so that no two threads write to one place; what an edge does to its other end is done by that end's own edge,
half an epoch later on average; and the two forces are read from tables over the root of the distance, not raised to
powers. The five repulsions that go with an attraction act together.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix

from kat_ray.arrays import Float32Matrix

_EPOCHS_OF_FEW, _EPOCHS_OF_MANY, _MANY_ROWS = 500, 200, 10_000  # as umap-learn
_REPULSIONS = 5
_STRONGEST = np.float32(4.0)
_TABLE_STEPS = 512  # for each unit of the root of the distance
_TABLE_REACH = 12.0  # a distance of 144, more than the layouts reach; both forces are nearly nothing there
_GOLDEN = np.float32(0.61803399)


def optimize(start: Float32Matrix, graph: csr_array | csr_matrix, a: float, b: float, seed: int) -> Float32Matrix:
    """Coordinates float32 [N, 3] from a start in a box of about 10, over the symmetric graph [N, N] of memberships.

    a and b are UMAP's curve 1 / (1 + a d^(2b)) of membership over distance. The bytes depend on the arguments alone,
    on one kind of machine. All threads of the process; 24 bytes a point besides the graph.
    """
    num_epochs = _EPOCHS_OF_FEW if len(start) <= _MANY_ROWS else _EPOCHS_OF_MANY
    rates = np.asarray(graph.data / graph.data.max(initial=0.0) if graph.nnz else graph.data, np.float32)
    rates[rates < 1.0 / num_epochs] = 0.0
    totals = np.bincount(_heads(graph), weights=rates, minlength=len(start)).astype(np.float32)
    attraction, repulsion = _force_tables(a, b)
    now, then = np.array(start, np.float32), np.empty(start.shape, np.float32)
    for epoch in range(num_epochs):
        step = np.float32(1.0 - epoch / num_epochs)
        _epoch(graph.indptr, graph.indices, rates, totals, attraction, repulsion, now, then, step, epoch, seed)
        now, then = then, now
    return now


def _heads(graph: csr_array | csr_matrix) -> NDArray[np.int32]:
    return np.repeat(np.arange(graph.shape[0], dtype=np.int32), np.diff(graph.indptr))


def _force_tables(a: float, b: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """By how much of their difference two points attract and repel each other, at steps of the root of the distance."""
    squares = (np.arange(int(_TABLE_REACH * _TABLE_STEPS) + 2) / _TABLE_STEPS) ** 4
    near = np.maximum(squares, (0.5 / _TABLE_STEPS) ** 4)  # attraction has a pole at 0, where it moves nothing
    attraction = -2.0 * a * b * near ** (b - 1.0) / (a * near**b + 1.0)
    repulsion = 2.0 * b / ((0.001 + squares) * (a * squares**b + 1.0))
    return attraction.astype(np.float32), repulsion.astype(np.float32)


def _force_loop(table: Any, square: Any) -> Any:
    """A table's value at a squared distance, between its two nearest steps."""
    root = min(np.sqrt(np.sqrt(square)), np.float32(_TABLE_REACH)) * np.float32(_TABLE_STEPS)
    step = np.int32(root)
    return table[step] + (root - np.float32(step)) * (table[step + 1] - table[step])


def _clip_loop(value: Any) -> Any:
    return min(max(value, -_STRONGEST), _STRONGEST)


def _mix_loop(state: Any) -> Any:
    """The last step of SplitMix64 (Steele, Lea and Flood 2014): numbers in a row become ones that look independent."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _times_loop(epoch: int, rate: Any, phase: Any) -> int:
    """How often something that happens `rate` times an epoch happens in this one."""
    return int(np.float32(epoch + 1) * rate + phase) - int(np.float32(epoch) * rate + phase)


_inlined = numba.njit(nogil=True, cache=True, inline="always")
_force, _clip, _mix, _times = _inlined(_force_loop), _inlined(_clip_loop), _inlined(_mix_loop), _inlined(_times_loop)


def _epoch_loop(
    indptr: Any, indices: Any, rates: Any, totals: Any, attraction: Any, repulsion: Any,
    now: Any, then: Any, step: Any, epoch: int, seed: int,
) -> None:  # fmt: skip
    num_points = now.shape[0]
    for point in numba.prange(num_points):
        x, y, z = now[point, 0], now[point, 1], now[point, 2]
        own = _mix(np.uint64(point) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed))
        phase = np.float32(own >> np.uint64(40)) * np.float32(2.0**-24)
        for edge in range(indptr[point], indptr[point + 1]):
            own_phase = phase + _GOLDEN * np.float32(edge - indptr[point])
            for _ in range(_times(epoch, np.float32(2.0) * rates[edge], own_phase - np.floor(own_phase))):
                other = indices[edge]
                dx, dy, dz = x - now[other, 0], y - now[other, 1], z - now[other, 2]
                force = _force(attraction, dx * dx + dy * dy + dz * dz)
                x += step * _clip(force * dx)
                y += step * _clip(force * dy)
                z += step * _clip(force * dz)
        state = _mix(own + np.uint64(epoch + 1))
        fx, fy, fz = np.float32(0.0), np.float32(0.0), np.float32(0.0)
        for _ in range(_times(epoch, np.float32(_REPULSIONS) * totals[point], phase)):
            state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
            other = np.int64(((state >> np.uint64(32)) * np.uint64(num_points)) >> np.uint64(32))
            dx, dy, dz = x - now[other, 0], y - now[other, 1], z - now[other, 2]
            force = _force(repulsion, dx * dx + dy * dy + dz * dz)
            fx += _clip(force * dx)
            fy += _clip(force * dy)
            fz += _clip(force * dz)
        then[point, 0], then[point, 1], then[point, 2] = x + step * fx, y + step * fy, z + step * fz


_epoch = numba.njit(nogil=True, cache=True, parallel=True, fastmath={"contract", "nsz", "reassoc"})(_epoch_loop)
