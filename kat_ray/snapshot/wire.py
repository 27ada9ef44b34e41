"""Messages between services and clients: ids, answers to lookups, and draws, each one Arrow IPC stream.

    message   columns, B or n rows                                                          metadata
    ids       `key` uint64, null for a string that is no id; or `id` string
    lookup    `present` bool, `probability`, `loss_weight`, `density_percentile` float64    snapshot_id
    draw      `key` uint64, `probability` float64                                           snapshot_id

Any Arrow reads them: `pyarrow.ipc.open_stream(body).read_all()`. An id is the 16 hex digits of its key. Rows of a
lookup stand in the order of the ids that were asked for; missing ones have NaN, and loss weight 1. What is decoded may
come from anyone: other columns, compression (a few bytes may hide gigabytes) and anything malformed are refused.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kat_ray.arrays import Float64Vector
from kat_ray.errors import InputError, first_line
from kat_ray.snapshot.keys import Ids, format_keys, parse_keys
from kat_ray.snapshot.weight_table import Draw, Lookup

ARROW_STREAM = "application/vnd.apache.arrow.stream"
"""Media type of the messages of this page."""
ARROW_FILE = "application/vnd.apache.arrow.file"
"""Media type of a weight table."""

_KEYS = pa.schema({"key": pa.uint64()})
_LOOKUP = pa.schema(
    {
        "present": pa.bool_(),
        "probability": pa.float64(),
        "loss_weight": pa.float64(),
        "density_percentile": pa.float64(),
    }
)
_DRAW = pa.schema({"key": pa.uint64(), "probability": pa.float64()})
_SNAPSHOT_ID = b"snapshot_id"
_ID = re.compile(rb"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """Weights of B ids as a service answered them: `weights` are probabilities, NaN where an id is missing."""

    snapshot_id: str
    present: NDArray[np.bool_]
    weights: Float64Vector
    loss_weights: Float64Vector
    density_percentile: Float64Vector


@dataclass(frozen=True, slots=True)
class DrawAnswer:
    """n drawn prompts as a service answered them."""

    snapshot_id: str
    keys: NDArray[np.uint64]
    probabilities: Float64Vector

    @property
    def ids(self) -> pa.StringArray:
        """[n] ids."""
        return format_keys(self.keys)


def encode_ids(ids: Ids) -> bytes:
    """The message of B ids; strings that are no ids become nulls, since all that counts is that no prompt has them.

    Raises:
        InputError: something other than strings or keys was given.
    """
    keys, known = parse_keys(ids)
    return _encode(_KEYS, [pa.array(keys, mask=~known)], {})


def decode_ids(data: bytes) -> pa.UInt64Array:
    """The keys [B] of a message of ids, null where a string was no id; `WeightTable.lookup` takes them as they are.

    Raises:
        InputError: these bytes are no such message.
    """
    table = _read(data)
    if table.schema.names == ["key"] and table.schema.types == [pa.uint64()]:
        return _joined(table["key"])
    if table.schema.names == ["id"] and table.schema.types[0] in (pa.string(), pa.large_string()):
        keys, known = parse_keys(table["id"])
        return pa.array(keys, mask=~known)
    raise InputError(f"The message of ids has {_form(table.schema)}; expected one column, key: uint64 or id: string.")


def encode_lookup(snapshot_id: str, lookup: Lookup, loss_weights: Float64Vector) -> bytes:
    """The answer to B ids."""
    columns = [pa.array(lookup.present), lookup.weights, loss_weights, lookup.density_percentile]
    return _encode(_LOOKUP, columns, {_SNAPSHOT_ID: snapshot_id.encode()})


def decode_lookup(data: bytes) -> LookupAnswer:
    """The answer that `encode_lookup` made.

    Raises:
        InputError: these bytes are no such message.
    """
    table = _read_as(_LOOKUP, data, "lookup")
    present, weights, loss_weights, percentile = (column.to_numpy() for column in table.columns)
    return LookupAnswer(_snapshot_id(table.schema), present, weights, loss_weights, percentile)


def encode_draw(draw: Draw) -> bytes:
    """The answer to a draw."""
    return _encode(_DRAW, [draw.keys, draw.probabilities], {_SNAPSHOT_ID: draw.snapshot_id.encode()})


def decode_draw(data: bytes) -> DrawAnswer:
    """The answer that `encode_draw` made.

    Raises:
        InputError: these bytes are no such message.
    """
    table = _read_as(_DRAW, data, "draw")
    keys, probabilities = (column.to_numpy() for column in table.columns)
    return DrawAnswer(_snapshot_id(table.schema), keys, probabilities)


def _encode(schema: pa.Schema, columns: Sequence[object], metadata: Mapping[bytes, bytes]) -> bytes:
    batch = pa.record_batch(columns, schema=schema.with_metadata(metadata))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _read_as(schema: pa.Schema, data: bytes, name: str) -> pa.Table:
    table = _read(data)
    if not table.schema.equals(schema) or any(column.null_count for column in table.columns):
        raise InputError(f"The message of a {name} has {_form(table.schema)}; expected {_form(schema)} without nulls.")
    return table


def _read(data: bytes) -> pa.Table:
    """A whole stream, checked as far as its own form goes."""
    try:
        for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(data)):
            if message.type not in ("schema", "record batch") or _is_compressed(message):
                raise InputError("The message is compressed or encoded in dictionaries; send it plain.")
        table = pa.ipc.open_stream(pa.py_buffer(data)).read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, OverflowError, struct.error) as error:
        raise InputError(f"The message cannot be read as an Arrow IPC stream: {first_line(error)[:200]}") from error
    return table


def _is_compressed(message: pa.ipc.Message) -> bool:
    """Whether a record batch has the field `compression`, or custom metadata, where it stood before Arrow 1.0.

    Fields go by their numbers in the FlatBuffers tables Message (2 header, 4 custom_metadata) and RecordBatch.
    """
    if message.type != "record batch":
        return False
    metadata = message.metadata.to_pybytes()
    root = struct.unpack_from("<I", metadata)[0]
    header = _field(metadata, root, 2)
    batch = header + struct.unpack_from("<I", metadata, header)[0]
    return _field(metadata, batch, 3) != 0 or _field(metadata, root, 4) != 0


def _field(metadata: bytes, table: int, number: int) -> int:
    """Where a field of a FlatBuffers table begins; 0 when it is absent."""
    names = table - struct.unpack_from("<i", metadata, table)[0]
    place = 4 + 2 * number
    if place >= struct.unpack_from("<H", metadata, names)[0]:
        return 0
    offset = struct.unpack_from("<H", metadata, names + place)[0]
    return table + int(offset) if offset else 0


def _snapshot_id(schema: pa.Schema) -> str:
    value: bytes = (schema.metadata or {}).get(_SNAPSHOT_ID, b"")
    if _ID.fullmatch(value):
        return value.decode()
    raise InputError(f"The message names the snapshot {value[:40]!r}, expected 16 hex digits.")


def _joined(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _form(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name[:40]}: {str(field.type)[:40]}" for field in schema)[:200] or "no columns"
