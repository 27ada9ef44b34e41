"""The seeds' embeddings_3d.json of a snapshot, compressed once and kept as a file."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

from kat_ray.snapshot.point_file import write_points
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.weight_table import table_checksum
from kat_ray.storage import Location
from serve.once import Once
from serve.services.columns import StoredFile

_LEVEL = 6
_CHUNK_BYTES = 1 << 20


class EmbeddingsFile:
    """Made at its first use: some ten seconds for 250,000 prompts, in one thread."""

    def __init__(self, snapshot: Snapshot, folder: Callable[[], Path]) -> None:
        self.compressed = Once(lambda: _write(snapshot, folder()), StoredFile.exists)


def _write(snapshot: Snapshot, folder: Path) -> StoredFile:
    """Written plain and packed with a fixed time stamp, so that equal snapshots give equal bytes."""
    plain = folder / write_points(snapshot, Location(str(folder)))
    packed = plain.with_name(f"{plain.name}.gz")
    with (
        plain.open("rb") as source,
        packed.open("wb") as target,
        gzip.GzipFile("", "wb", _LEVEL, target, 0) as stream,
    ):
        shutil.copyfileobj(source, stream, _CHUNK_BYTES)
    plain.unlink()
    return StoredFile(packed, table_checksum(packed))
