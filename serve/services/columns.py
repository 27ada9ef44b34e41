"""The whole weight column of a snapshot as files, which a server can send in ranges without reading them whole.

Made when they are first asked for, into a private folder. Knows nothing of HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.weight_table import WeightTable, table_checksum
from serve.once import Once


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A finished file and the checksum (BLAKE2b with 32 bytes, hex) of its bytes."""

    path: Path
    checksum: str


class ColumnFiles:
    """ids + weights as JSON, and the weight table as Arrow, of one snapshot."""

    def __init__(self, snapshot: Snapshot, table: WeightTable, folder: Path) -> None:
        self._snapshot = snapshot
        self._table = table
        self._folder = folder
        self.arrow = Once(self._write_arrow)
        self.json = Once(self._write_json)

    def _write_arrow(self) -> StoredFile:
        path = self._folder / "weights.arrow"
        return StoredFile(path, WeightTable.write(self._snapshot, path))

    def _write_json(self) -> StoredFile:
        path = self._folder / "weights.json"
        table = self._table
        content = {"snapshot_id": table.snapshot_id, "ids": table.ids().to_pylist(), "weights": table.weights}
        path.write_bytes(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY))
        return StoredFile(path, table_checksum(path))
