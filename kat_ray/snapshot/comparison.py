"""Another snapshot in the map of this one, as bytes.

    header   32 bytes, little-endian
      0  magic "KATC"    4  version u16 = 1    6  point_bytes u16 = 12    8  num_other u32    12  num_points u32
     16  num_shared u32    20  reserved u32 = 0    24  the other snapshot's id, 8 bytes
    others   num_other of them, in the order of the other snapshot's own points (point_cloud.py):
             x, y, z u16 in the map of this snapshot; source code u8 and density percentile u8 as in the other's points;
             same u32, the point of this snapshot that is the same prompt, 0xFFFFFFFF where there is none
    ratios   num_points i8, in the order of this snapshot's points: 16 log2 of the other's share over this one's share
             around the point, from -127 to 127

Knows nothing of how prompts are placed or of HTTP.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from kat_ray.arrays import Float32Matrix, Float64Vector, Int64Vector
from kat_ray.snapshot.point_cloud import PointCloud, quantized

NO_POINT = 0xFFFFFFFF
"""Stands for the point of a prompt that this snapshot lacks."""

_HEADER = struct.Struct("<4sHHIIII8s")
_POINT = np.dtype([("position", "<u2", 3), ("source", "u1"), ("density_percentile", "u1"), ("same", "<u4")])
_STEPS = 16
_LARGEST = 127


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is told of another snapshot of M prompts in the map of this one of N prompts, in the order of the rows."""

    places: Float32Matrix
    """[M, 3] of each prompt of the other snapshot, in this snapshot's layout."""
    same_rows: Int64Vector
    """[M] the row of this snapshot that is the same prompt; -1 where there is none."""
    ratios: Float64Vector
    """[N] log2 of the other's share over this snapshot's share around each row."""


def encode_comparison(this: PointCloud, other: PointCloud, found: Comparison) -> bytes:
    """The header and both parts, 32 + 12 M + N bytes."""
    order, own = other.order, other.points()
    rows = found.same_rows[order]
    points = np.empty(len(order), _POINT)
    points["position"] = quantized(found.places)[order]
    points["source"], points["density_percentile"] = own["source"], own["density_percentile"]
    points["same"] = np.where(rows >= 0, this.places[rows], NO_POINT)
    steps = np.rint(found.ratios[this.order] * _STEPS)
    ratios = np.clip(steps, -_LARGEST, _LARGEST).astype(np.int8)
    num_shared, name = int((rows >= 0).sum()), bytes.fromhex(other.snapshot_id)
    header = _HEADER.pack(b"KATC", 1, _POINT.itemsize, len(points), len(ratios), num_shared, 0, name)
    return header + points.tobytes() + ratios.tobytes()
