"""An approximate neighbor graph for corpora where the exact one takes too long.

Knows vectors; nothing of files or Ray. Rows near the same centres are compared with each other, then neighbors of
neighbors are (as NN-descent does, Dong et al. 2011), both by 8-bit integers. Only the choice of neighbors is
approximate: their distances are exact, and self is removed by index. How good it is, `recall` measures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numba
import numpy as np
import torch

from kat_ray.arrays import Float32Matrix, Int64Vector
from kat_ray.geometry.codes import CHUNK, Codes, Multiplier, encode, filled_up
from kat_ray.geometry.distances import nearest_of, squared_norms
from kat_ray.geometry.nearest_lists import NearestLists
from kat_ray.geometry.neighbors import Neighbors, exact_neighbors, measured, search

Part = TypeVar("Part")

_FEWEST_ROWS = 4096  # below, the exact graph is as fast
_ROWS_PER_NEIGHBOR = 16
_ROWS_PER_CENTRE = 64
_CENTRES_OF_ROW = 16
_MOST_MEMBERS = 4096  # of one cell; the mean is 1,024
_MOST_HELD = filled_up(_MOST_MEMBERS, CHUNK)
_ENCODED_ROWS = 65_536
_TILE_ROWS = 512
_SPARE = 9  # entries of a list beyond k: what 8 bits put in the wrong order
_WIDTH = 15
_FEW_NEW = 0.01  # a round that finds less is the last one
_MOST_ROUNDS = 8


def approximate_neighbors(vectors: Float32Matrix, k: int, *, seed: int = 42) -> Neighbors:
    """About the k nearest rows of each row of vectors [N, D], k clamped to N - 1: recall 0.99 on text embeddings.

    Operations on 8-bit integers: about N^2 D / 32 to find the cells, 32,000 N D within them, 1,800 N D in each round of
    refinement, of which there are two on text embeddings. Memory besides the vectors: N (D + 24 k + 700) bytes and a
    thread's 4 N. All threads of the process; the same seed gives the same graph with any number of them. Fewer than
    4,096 rows, or 16 k, are searched exactly.

    Raises:
        InputError: another shape or dtype, NaN or infinity, rows longer than 1e6.
    """
    num_rows, k = len(vectors), max(0, min(k, len(vectors) - 1))
    if k == 0 or num_rows < max(_FEWEST_ROWS, _ROWS_PER_NEIGHBOR * k):
        return exact_neighbors(vectors, k)
    codes = _centred_codes(measured("vectors", vectors).vectors)
    lists, cells = NearestLists(num_rows, k + _SPARE), _cells(codes, seed)
    _on_threads(lambda rows: _compare_within(cells, rows, codes, lists), num_rows)
    for _ in range(_MOST_ROUNDS):
        if lists.refine(codes, _WIDTH) < _FEW_NEW:
            break
    parts = _on_threads(lambda rows: _measured(vectors, rows, lists, k), num_rows)
    graph = Neighbors(np.concatenate([p.indices for p in parts]), np.concatenate([p.distances for p in parts]))
    _complete(vectors, graph)
    return graph


def _centred_codes(vectors: Float32Matrix) -> Codes:
    """Codes of the vectors less their mean: what all have in common says nothing, and takes up steps of the codes."""
    centre = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    blocks = (vectors[start : start + _ENCODED_ROWS] - centre for start in range(0, len(vectors), _ENCODED_ROWS))
    parts = [encode(block, np.sqrt(squared_norms(block))) for block in blocks]
    codes, *others = zip(*parts, strict=True)
    return Codes(torch.cat(codes), *map(np.concatenate, others))


def _on_threads(work: Callable[[range], Part], num_rows: int) -> list[Part]:
    """What `work` makes of as many ranges of the rows as there are threads."""
    edges = np.linspace(0, num_rows, numba.get_num_threads() + 1).astype(int).tolist()
    with ThreadPoolExecutor(len(edges) - 1) as pool:
        return list(pool.map(work, (range(start, stop) for start, stop in pairwise(edges))))


def _cells(codes: Codes, seed: int) -> list[Int64Vector]:
    """The rows near one centre, ascending, for each centre; the centres are rows by chance."""
    num_rows = len(codes.lengths)
    centres = np.sort(np.random.default_rng((seed, 1)).permutation(num_rows)[: num_rows // _ROWS_PER_CENTRE])
    near = NearestLists(num_rows, _CENTRES_OF_ROW)
    _on_threads(lambda rows: _compare_with(centres, np.arange(rows.start, rows.stop), codes, near), num_rows)
    cells = -2 - near.rows.ravel()
    order = np.argsort(cells, kind="stable")
    edges = np.searchsorted(cells[order], np.arange(len(centres) + 1))
    members = [order[start:stop] // _CENTRES_OF_ROW for start, stop in pairwise(edges.tolist())]
    return [part for rows in members for part in np.array_split(rows, max(1, -(-len(rows) // _MOST_MEMBERS)))]


def _compare_with(centres: Int64Vector, rows: Int64Vector, codes: Codes, near: NearestLists) -> None:
    """Enter the numbers of the nearest centres as -2, -3 … into the lists of some rows: a centre is near itself."""
    multiply = Multiplier(_TILE_ROWS * _MOST_HELD)
    for start in range(0, len(centres), _MOST_MEMBERS):
        held = codes.take(centres[start : start + _MOST_MEMBERS])
        _compare(rows, codes, held, -2 - np.arange(start, min(start + _MOST_MEMBERS, len(centres))), near, multiply)


def _compare_within(cells: Sequence[Int64Vector], rows: range, codes: Codes, lists: NearestLists) -> None:
    """Compare each of some rows with all that are in a cell with it."""
    multiply = Multiplier(_TILE_ROWS * _MOST_HELD)
    for members in cells:
        first, last = np.searchsorted(members, [rows.start, rows.stop])
        if first < last:
            _compare(members[first:last], codes, codes.take(members), members, lists, multiply)


def _compare(
    rows: Int64Vector, codes: Codes, held: Codes, ids: Int64Vector, lists: NearestLists, multiply: Multiplier
) -> None:
    for start in range(0, len(rows), _TILE_ROWS):
        own = rows[start : start + _TILE_ROWS]
        products = multiply(codes.codes[torch.from_numpy(own)], held.codes)
        lists.keep(products, own, codes.scales[own], held, ids)


def _measured(vectors: Float32Matrix, rows: range, lists: NearestLists, k: int) -> Neighbors:
    """The k nearest of some lists, by exact distances."""
    own = np.arange(rows.start, rows.stop)
    return Neighbors(*nearest_of(vectors[rows.start : rows.stop], own, vectors, lists.ascending(own), k))


def _complete(vectors: Float32Matrix, graph: Neighbors) -> None:
    """Search exactly for rows that were left with fewer than k neighbors."""
    short = np.flatnonzero(graph.indices[:, -1] < 0)
    if len(short):
        exact = search(vectors[short], short, vectors, 0, graph.indices.shape[1])
        graph.indices[short], graph.distances[short] = exact.indices, exact.distances
