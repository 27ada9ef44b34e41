"""What a trainer needs of a snapshot, as one small file: the key, weight and density percentile of every prompt.

The file is an Arrow IPC file, not compressed, of one record batch whose row i is row i of the snapshot: `key` uint64
(the 16 hex digits of the id as a number), `weight` float64 (sampling probability, sum 1), `density_percentile` float64
in [0, 1]. Its schema metadata hold `snapshot_id`, `num_prompts` and `weighting` (JSON: how the weights were made). It
is mapped, not read: 24 bytes a prompt that all processes of a machine share.

Knows lookups and draws; nothing of networks, services or texts.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kat_ray.arrays import Float64Vector, Int64Vector
from kat_ray.errors import SnapshotDamagedError, first_line
from kat_ray.geometry.sampling import CumulativeTable, DrawMethod, draw
from kat_ray.snapshot.json_form import load_object
from kat_ray.snapshot.keys import Ids, KeyIndex, format_keys, parse_keys
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location

_COLUMNS = {"key": pa.uint64(), "weight": pa.float64(), "density_percentile": pa.float64()}
_METADATA = (b"snapshot_id", b"num_prompts", b"weighting")
_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a table knows of B ids, in the order asked for; missing ids have row -1 and NaN."""

    rows: Int64Vector
    present: NDArray[np.bool_]
    weights: Float64Vector
    density_percentile: Float64Vector


class Draw:
    """n drawn rows, with their ids and probabilities where these are asked for."""

    def __init__(self, table: WeightTable, rows: Int64Vector) -> None:
        self.snapshot_id = table.snapshot_id
        self.rows = rows
        self._table = table

    @property
    def keys(self) -> NDArray[np.uint64]:
        """[n] keys of the drawn prompts."""
        return self._table.keys[self.rows]

    @cached_property
    def ids(self) -> pa.StringArray:
        """[n] ids of the drawn prompts."""
        return format_keys(self.keys)

    @property
    def probabilities(self) -> Float64Vector:
        """[n] probability of each drawn prompt in one independent draw."""
        return self._table.weights[self.rows]


class WeightTable:
    """Keys, weights and density percentiles [N] of one snapshot, read-only.

    Example: WeightTable.open("~/weights.arrow").draw(512, seed=7, epoch=2).ids
    """

    def __init__(
        self,
        snapshot_id: str,
        keys: NDArray[np.uint64],
        weights: Float64Vector,
        density_percentile: Float64Vector,
        weighting: dict[str, Any],
    ) -> None:
        self.snapshot_id = snapshot_id
        self.keys = keys
        self.weights = weights
        self.density_percentile = density_percentile
        self.weighting = weighting

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot) -> WeightTable:
        """The table of an open snapshot; weights and percentiles are the snapshot's own mapped columns.

        Raises:
            SnapshotDamagedError: these are no probabilities and percentiles.
        """
        keys, _ = parse_keys(snapshot.ids)
        try:
            _require_numbers(snapshot.weights, snapshot.density_percentile)
        except ValueError as error:
            reason = f"Snapshot {snapshot.snapshot_id} cannot be sampled: {error}. Build it again."
            raise SnapshotDamagedError(reason) from error
        return cls(snapshot.snapshot_id, keys, snapshot.weights, snapshot.density_percentile, _weighting(snapshot))

    @classmethod
    def open(cls, path: Path | str, checksum: str | None = None) -> WeightTable:
        """Map a file that `write` made; with its checksum every byte is verified first.

        Raises:
            SnapshotDamagedError: the file is missing, cut, altered, or not a weight table.
        """
        file = Path(path).expanduser()
        try:
            if checksum is not None and (found := table_checksum(file)) != checksum:
                raise SnapshotDamagedError(
                    f"{file} has the checksum {found[:16]}…, expected {checksum[:16]}…; it was cut or altered. "
                    "Delete it and fetch it again."
                )
            return cls._from_batch(_only_batch(pa.memory_map(str(file))))
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise SnapshotDamagedError(
                f"{file} cannot be read as a weight table: {first_line(error)}. Delete it and fetch it again."
            ) from error

    @classmethod
    def from_bytes(cls, data: bytes) -> WeightTable:
        """The table in the bytes of such a file, where there is none to map.

        Raises:
            SnapshotDamagedError: these are no weight table.
        """
        try:
            return cls._from_batch(_only_batch(pa.BufferReader(data)))
        except (ValueError, KeyError, pa.ArrowException) as error:
            raise SnapshotDamagedError(f"The bytes cannot be read as a weight table: {first_line(error)}.") from error

    @staticmethod
    def write(snapshot: Snapshot, path: Path | str) -> str:
        """Write the table of a snapshot, whole or not at all; returns its checksum, see `table_checksum`."""
        file = Path(path).expanduser()
        with Location(str(file)).open_output() as stream:
            WeightTable.from_snapshot(snapshot)._write_to(stream)
        return table_checksum(file)

    def to_bytes(self) -> bytes:
        """The bytes of the file that `write` makes."""
        stream = pa.BufferOutputStream()
        self._write_to(stream)
        return bytes(stream.getvalue())

    @property
    def num_prompts(self) -> int:
        """N."""
        return len(self.keys)

    def ids(self, rows: Int64Vector | slice = slice(None)) -> pa.StringArray:
        """[B] ids of rows; of all in row order when none are named."""
        return format_keys(self.keys[rows])

    def lookup(self, ids: Ids) -> Lookup:
        """Weights and density percentiles of ids; any string may be asked for.

        Raises:
            InputError: something other than strings or keys was given.
        """
        rows = self._index.rows(*parse_keys(ids))
        present = rows >= 0
        weights, percentile = (np.where(present, c[rows], np.nan) for c in (self.weights, self.density_percentile))
        return Lookup(rows, present, weights, percentile)

    def loss_weights(self, lookup: Lookup) -> Float64Vector:
        """[B] weights of mean 1 over all prompts, N * probability; 1 for missing ids, which so are neutral."""
        return np.where(lookup.present, lookup.weights * self.num_prompts, 1.0)

    def draw(self, n: int, method: DrawMethod = "systematic", seed: int = 0, epoch: int = 0) -> Draw:
        """n prompts by weight: a pure function of this snapshot and the arguments, the same in every process.

        "systematic" is a training list in which a prompt with probability p stands floor or ceil of n p times, spread
        out; "with_replacement" are independent draws; "without_replacement" are distinct prompts in draw order.

        Raises:
            SamplingError: n, the seed, the epoch or the method cannot be used.
        """
        weights = self._cumulative if method == "with_replacement" else self.weights
        return Draw(self, draw(weights, n, method, seed, epoch))

    def _write_to(self, stream: Any) -> None:
        values = (self.snapshot_id, str(self.num_prompts), json.dumps(self.weighting, sort_keys=True))
        schema = pa.schema(_COLUMNS, metadata=dict(zip(_METADATA, values, strict=True)))
        with pa.ipc.new_file(stream, schema) as writer:
            writer.write_batch(pa.record_batch([self.keys, self.weights, self.density_percentile], schema=schema))

    @classmethod
    def _from_batch(cls, batch: pa.RecordBatch) -> WeightTable:
        metadata = batch.schema.metadata or {}
        keys, weights, percentile = (batch[name].to_numpy() for name in _COLUMNS)
        _require_numbers(weights, percentile)
        if int(metadata[b"num_prompts"]) != len(keys):
            raise ValueError(f"it has {len(keys):,} rows, its header says {int(metadata[b'num_prompts']):,}")
        weighting = load_object(metadata[b"weighting"], "its weighting")
        return cls(metadata[b"snapshot_id"].decode(), keys, weights, percentile, weighting)

    @cached_property
    def _cumulative(self) -> CumulativeTable:
        return CumulativeTable(self.weights)

    @cached_property
    def _index(self) -> KeyIndex:
        index = KeyIndex(self.keys)
        if (row := index.first_duplicate()) is not None:
            raise SnapshotDamagedError(f"The key of row {row:,} of a weight table belongs to an earlier row too.")
        return index


def table_checksum(path: Path | str) -> str:
    """BLAKE2b with 32 bytes, in hex, of a file; the service states it as X-Checksum-Blake2b."""
    with Path(path).expanduser().open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def _only_batch(file: pa.NativeFile) -> pa.RecordBatch:
    reader = pa.ipc.open_file(file)
    if dict(zip(reader.schema.names, reader.schema.types, strict=True)) != _COLUMNS or reader.num_record_batches != 1:
        raise ValueError(f"it has columns {reader.schema.names}, expected {list(_COLUMNS)} in one batch")
    batch = reader.get_batch(0)
    batch.validate(full=True)
    if any(column.null_count for column in batch.columns):
        raise ValueError("it has nulls")
    return batch


def _require_numbers(weights: Float64Vector, density_percentile: Float64Vector) -> None:
    """Comparisons with NaN are false, so it passes none of them."""
    if not (weights >= 0.0).all() or not abs(weights.sum() - 1.0) <= _SUM_TOLERANCE:
        raise ValueError("its weights are not probabilities that sum to 1")
    if not ((density_percentile >= 0.0) & (density_percentile <= 1.0)).all():
        raise ValueError("its density percentiles are not between 0 and 1")


def _weighting(snapshot: Snapshot) -> dict[str, Any]:
    """How the weights were made, and from which snapshot they were edited, if they were."""
    numbers, parameters = snapshot.manifest.diagnostics, snapshot.manifest.parameters
    made = {"estimator": numbers["estimator"], "k": numbers["k"], "power": numbers["power"], "cap": numbers["cap"]}
    return made | {name: parameters[name] for name in ("parent", "edits") if name in parameters}
