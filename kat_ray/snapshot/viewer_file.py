"""One Parquet table that embedding-atlas, DuckDB, pandas and `datasets` open unchanged, one row a prompt.

`neighbors` holds zero-based row numbers of this table, as embedding-atlas expects them:
`embedding-atlas points.parquet --text text --x x --y y --neighbors neighbors`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kat_ray.snapshot.columns import PROMPTS_SCHEMA, write_parquet
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location

_GROUP_ROWS = 25_000
"""Hugging Face's viewer wants row groups of about this size, with a page index."""

_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("x", pa.float32()),
        ("y", pa.float32()),
        ("z", pa.float32()),
        ("text", pa.string()),
        ("source", pa.string()),
        ("density", pa.float64()),
        ("density_percentile", pa.float64()),
        ("weight", pa.float64()),
        ("cluster", pa.int64()),
        ("num_pairs", pa.int32()),
        ("neighbors", pa.struct([("ids", pa.list_(pa.int64())), ("distances", pa.list_(pa.float32()))])),
        ("messages", PROMPTS_SCHEMA.field("messages").type),
    ]
)


def write_viewer_table(snapshot: Snapshot, out: Location) -> str:
    """Write points.parquet and return its name. Coordinates are those of the layout: one scale for all axes."""
    name = "points.parquet"
    write_parquet(out / name, _SCHEMA, _tables(snapshot), block_rows=_GROUP_ROWS, page_index=True)
    return name


def _tables(snapshot: Snapshot) -> Iterator[pa.Table]:
    for start, prompts in snapshot.prompt_blocks(["id", "text", "source", "num_pairs", "messages"]):
        rows = slice(start, start + prompts.num_rows)
        layout = np.ascontiguousarray(snapshot.layout[rows].T)
        columns = {name: prompts[name] for name in prompts.column_names} | {
            "x": pa.array(layout[0]),
            "y": pa.array(layout[1]),
            "z": pa.array(layout[2]),
            "density": pa.array(snapshot.density[rows]),
            "density_percentile": pa.array(snapshot.density_percentile[rows]),
            "weight": pa.array(snapshot.weights[rows]),
            "cluster": pa.array(snapshot.clusters[rows].astype(np.int64)),
            "neighbors": _neighbors(snapshot, rows),
        }
        yield pa.table({field.name: columns[field.name] for field in _SCHEMA}, schema=_SCHEMA)


def _neighbors(snapshot: Snapshot, rows: slice) -> pa.StructArray:
    ids = _lists(snapshot.neighbor_indices[rows].astype(np.int64))
    return pa.StructArray.from_arrays([ids, _lists(snapshot.neighbor_distances[rows])], names=["ids", "distances"])


def _lists(matrix: NDArray[Any]) -> pa.ListArray:
    num_rows, width = matrix.shape
    offsets = pa.array(np.arange(num_rows + 1, dtype=np.int32) * width)
    return pa.ListArray.from_arrays(offsets, pa.array(matrix.reshape(-1)))
