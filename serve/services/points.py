"""The map for the viewer: the point cloud, the cluster of each point, and previews of texts by chunk. All of it is a
function of the snapshot, made once and kept in memory: 12 to 32 bytes a point."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import Any

from kat_ray.arrays import Int64Vector
from kat_ray.errors import SnapshotMismatchError
from kat_ray.snapshot.point_cloud import CHUNK_ROWS, PointCloud
from kat_ray.snapshot.snapshot import Snapshot
from serve.once import Once
from serve.refusals import RefusedError
from serve.services.texts import Texts

_PACKING = 6


@dataclass(frozen=True, slots=True)
class Block:
    """Bytes of an answer, and the digest (16 hex digits) by which a client knows them again."""

    data: bytes
    digest: str

    @classmethod
    def of(cls, data: bytes) -> Block:
        """Bytes with their digest."""
        return cls(data, hashlib.blake2b(data, digest_size=8).hexdigest())


class Points:
    """The map of one snapshot. Everything but `place` raises SnapshotMismatchError where a snapshot has no map."""

    def __init__(self, snapshot: Snapshot, texts: Texts) -> None:
        self._snapshot = snapshot
        self._texts = texts
        self.map = cloud = PointCloud(snapshot)
        # none of these knows `self`: the memory of a closed snapshot goes at once, not when cycles are looked for
        self.cloud = Once(lambda: Block.of(cloud.encode()))
        self.labels = Once(lambda: Block.of(cloud.cluster_labels()))
        # a fifth: neighbors on the map, which follow each other, are mostly of one cluster
        self.packed_labels = Once(lambda: Block.of(gzip.compress(cloud.cluster_labels(), _PACKING, mtime=0)))
        self.loss_weights = Once(lambda: Block.of(cloud.loss_weights()))
        self.keys = Once(lambda: Block.of(cloud.keys()))
        self.meta = Once(cloud.meta)
        self._places = Once(lambda: _find_places(cloud))

    def place(self, row: int) -> int | None:
        """Which point of the cloud a row is; None where there is no map."""
        places = self._places()
        return None if places is None else int(places[row])

    def previews(self, chunk: int) -> dict[str, Any]:
        """Ids and the beginnings of the texts of the points of one chunk.

        Raises:
            RefusedError: there is no such chunk.
        """
        num_chunks = -(-self._snapshot.num_prompts // CHUNK_ROWS)
        if chunk >= num_chunks:
            raise RefusedError(404, f"The map has {num_chunks:,} chunks, numbered from 0; there is no such one.")
        rows = self.map.order[chunk * CHUNK_ROWS : (chunk + 1) * CHUNK_ROWS]
        ids = self._snapshot.ids.take(rows).to_pylist()
        return {"chunk": chunk, "first_point": chunk * CHUNK_ROWS, "ids": ids, "previews": self._texts.previews(rows)}


def _find_places(cloud: PointCloud) -> Int64Vector | None:
    try:
        return cloud.places
    except SnapshotMismatchError:
        return None
