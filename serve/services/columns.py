"""The whole weight column of a snapshot as files, which a server can send in ranges without reading them whole.

Made when they are first asked for, and again when they were removed. Knows nothing of HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
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

    def exists(self) -> bool:
        """Whether nobody removed it."""
        return self.path.exists()


class ColumnFiles:
    """ids + weights as JSON, and the weight table as Arrow, of one snapshot."""

    def __init__(self, snapshot: Snapshot, table: WeightTable, folder: Callable[[], Path]) -> None:
        self.arrow = Once(lambda: _write_arrow(snapshot, folder()), StoredFile.exists)
        self.json = Once(lambda: _write_json(table, folder()), StoredFile.exists)


def _write_arrow(snapshot: Snapshot, folder: Path) -> StoredFile:
    path = folder / "weights.arrow"
    return StoredFile(path, WeightTable.write(snapshot, path))


def _write_json(table: WeightTable, folder: Path) -> StoredFile:
    path = folder / "weights.json"
    content = {"snapshot_id": table.snapshot_id, "ids": table.ids().to_pylist(), "weights": table.weights}
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY))
    return StoredFile(path, table_checksum(path))
