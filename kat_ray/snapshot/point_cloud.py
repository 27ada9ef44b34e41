"""The map as bytes: 8 a point, in an order of which any beginning is a fair picture of the whole.

    header   32 bytes, little-endian
      0  magic "KATP"    4  version u16 = 1    6  point_bytes u16 = 8    8  num_points u32
     12  the ends of the first three levels, u32 each; the fourth ends with the points    24  snapshot id, 8 bytes
    points   x, y, z u16: [-1, 1] of the layout as 0 to 65535; source code u8; density percentile u8: [0, 1] as 0 to 255

Level by level, a prompt's level being a hash of its id: 1/64 of the prompts, up to 1/16, up to 1/4, all. So up to the
end of a level points are a random sample. Within a level they stand in runs of neighbors (Morton order of the map), and
the runs in bit-reversed order, which spreads any beginning over all of the map. Runs have 8 to CHUNK_ROWS points and
fill chunks of CHUNK_ROWS points exactly: a chunk is one or a few small regions.

Knows nothing of HTTP or of texts, but for the terms of clusters in `meta`.
"""

from __future__ import annotations

import struct
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix, Int64Vector
from kat_ray.snapshot.keys import parse_keys
from kat_ray.snapshot.snapshot import Snapshot

CHUNK_ROWS = 512
"""Points in a chunk: what the viewer asks texts for at a time."""
OTHER_SOURCE = 255
"""Code of all sources but the 255 most frequent ones."""

_HEADER = struct.Struct("<4sHHI3I8s")
_POINT = np.dtype([("position", "<u2", 3), ("source", "u1"), ("density_percentile", "u1")])
_LEVEL_BOUNDS = np.array([2**58, 2**60, 2**62], np.uint64)
_MORTON_BITS = np.uint64(48)
_LARGEST = 65535
_SHORTEST_RUN = 8
_WANTED_RUNS = 512


class PointCloud:
    """The points of one snapshot. Example: PointCloud(snapshot).encode()"""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @cached_property
    def order(self) -> Int64Vector:
        """[N] row of the snapshot of each point; a function of ids and layout alone."""
        along_curve = np.argsort(self._levels << _MORTON_BITS | _morton(self._positions), kind="stable")
        levels = pairwise((0, *self.level_ends))
        return np.concatenate([_spread_runs(along_curve[start:stop], start) for start, stop in levels])

    @cached_property
    def level_ends(self) -> tuple[int, ...]:
        """Points up to the end of each of the four levels; the last is N."""
        return tuple(np.cumsum(np.bincount(self._levels, minlength=len(_LEVEL_BOUNDS) + 1)).tolist())

    @cached_property
    def places(self) -> Int64Vector:
        """[N] the point of each row of the snapshot."""
        places = np.empty(len(self.order), np.int64)
        places[self.order] = np.arange(len(self.order))
        return places

    @property
    def snapshot_id(self) -> str:
        """Of the snapshot whose points these are."""
        return self._snapshot.snapshot_id

    def points(self) -> NDArray[np.void]:
        """[N] the records: position, source, density_percentile."""
        points = np.empty(self._snapshot.num_prompts, _POINT)
        points["position"] = self._positions[self.order]
        points["source"] = self._sources[0][self.order]
        points["density_percentile"] = np.rint(self._snapshot.density_percentile[self.order] * 255)
        return points

    def encode(self) -> bytes:
        """The header and the points, 32 + 8 N bytes."""
        points = self.points()
        name = bytes.fromhex(self.snapshot_id)
        header = _HEADER.pack(b"KATP", 1, _POINT.itemsize, len(points), *self.level_ends[:3], name)
        return header + points.tobytes()

    def loss_weights(self) -> bytes:
        """N times the weight of each point, so that 1 is the mean, float32 little-endian."""
        return (self._snapshot.weights[self.order] * self._snapshot.num_prompts).astype("<f4").tobytes()

    def keys(self) -> bytes:
        """The id of each point as a number, u64 little-endian; its 16 hex digits are the id."""
        return parse_keys(self._snapshot.ids)[0][self.order].astype("<u8").tobytes()

    def cluster_labels(self) -> bytes:
        """The cluster of each point, little-endian, in as many bytes as `meta` says: 2, or 4 above 65,536 clusters."""
        return self._snapshot.clusters[self.order].astype(f"<u{self._label_bytes}").tobytes()

    def meta(self) -> dict[str, Any]:
        """JSON values that go with the bytes: sources by code, most frequent first, clusters, and where points lie."""
        layout, sources = self._snapshot.layout, self._sources[1]
        named = [{"code": code, "name": name, "size": size} for code, (name, size) in enumerate(sources[:OTHER_SOURCE])]
        others = sum(size for _, size in sources[OTHER_SOURCE:])
        return {
            "snapshot_id": self._snapshot.snapshot_id,
            "num_points": self._snapshot.num_prompts,
            "header_bytes": _HEADER.size,
            "point_bytes": _POINT.itemsize,
            "level_ends": list(self.level_ends),
            "chunk_rows": CHUNK_ROWS,
            "sources": [*named, {"code": OTHER_SOURCE, "name": "other", "size": others}] if others else named,
            "clusters": self._snapshot.cluster_table,
            "cluster_label_bytes": self._label_bytes,
            "bounds": {"min": layout.min(axis=0).tolist(), "max": layout.max(axis=0).tolist()},
        }

    @cached_property
    def _levels(self) -> NDArray[np.uint64]:
        keys, _ = parse_keys(self._snapshot.ids)
        return np.searchsorted(_LEVEL_BOUNDS, _mixed(keys), side="right").astype(np.uint64)

    @cached_property
    def _positions(self) -> NDArray[np.uint16]:
        return quantized(self._snapshot.layout)

    @cached_property
    def _sources(self) -> tuple[NDArray[np.uint8], list[tuple[str, int]]]:
        """[N] codes, and all sources with their sizes, most frequent first, equal ones by name."""
        coded = self._snapshot.prompts(columns=["source"])["source"].combine_chunks().dictionary_encode()
        sizes = np.bincount(coded.indices.to_numpy(), minlength=len(coded.dictionary)).tolist()
        names = coded.dictionary.to_pylist()
        frequent = sorted(range(len(names)), key=lambda number: (-sizes[number], names[number]))
        codes = np.empty(len(names), np.int64)
        codes[frequent] = np.arange(len(names))
        rows = np.minimum(codes, OTHER_SOURCE).astype(np.uint8)[coded.indices.to_numpy()]
        return rows, [(names[number], sizes[number]) for number in frequent]

    @property
    def _label_bytes(self) -> int:
        return 2 if int(self._snapshot.clusters.max(initial=0)) < 1 << 16 else 4


def quantized(places: Float32Matrix) -> NDArray[np.uint16]:
    """Places [N, 3] from -1 to 1 in steps of 2 / 65535, as they stand in the bytes."""
    steps = np.rint((np.asarray(places, np.float64) + 1.0) * (_LARGEST / 2))
    return np.clip(steps, 0, _LARGEST).astype(np.uint16)


def _mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Keys hashed again (the finalizer of SplitMix64), so that levels say nothing of what else goes by the key."""
    words = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _morton(positions: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """[N] the bits of x, y and z in turn, highest first: nearby numbers are nearby places."""
    spread = positions.astype(np.uint64)
    for shift, mask in ((16, 0xFF0000FF), (8, 0xF00F00F00F), (4, 0xC30C30C30C3), (2, 0x249249249249)):
        spread = (spread | (spread << np.uint64(shift))) & np.uint64(mask)
    return (spread[:, 0] << np.uint64(2)) | (spread[:, 1] << np.uint64(1)) | spread[:, 2]


def _spread_runs(rows: Int64Vector, start: int) -> Int64Vector:
    """Rows along the curve, which are to be points from `start` on, as runs in bit-reversed order."""
    length = _run_length(len(rows))
    edges = np.union1d(np.arange(-start % length, len(rows), length), [0, len(rows)])
    sizes = np.diff(edges)
    visited = np.argsort(_bits_reversed(len(sizes)), kind="stable")
    firsts = np.empty(len(sizes), np.int64)
    firsts[visited] = np.cumsum(sizes[visited]) - sizes[visited]
    runs = [rows[first : first + size] for first, size in zip(firsts.tolist(), sizes.tolist(), strict=True)]
    return np.concatenate([rows[:0], *runs])


def _run_length(num_points: int) -> int:
    """A divisor of CHUNK_ROWS that gives _WANTED_RUNS runs, if they are not too short then: more are fairer, longer
    ones are read from fewer chunks.
    """
    length = CHUNK_ROWS
    while length > _SHORTEST_RUN and length * _WANTED_RUNS > num_points:
        length //= 2
    return length


def _bits_reversed(count: int) -> Int64Vector:
    numbers, reversed_bits = np.arange(count), np.zeros(count, np.int64)
    for _ in range(max(0, count - 1).bit_length()):
        reversed_bits = (reversed_bits << 1) | (numbers & 1)
        numbers >>= 1
    return reversed_bits
