from __future__ import annotations

import gzip
import json
from functools import partial
from pathlib import Path

from serve.services.embeddings_file import EmbeddingsFile
from tests.serve.corpus import IDS


def test_the_file_is_packed_once_and_holds_every_point(snapshot, tmp_path):
    file = EmbeddingsFile(snapshot, lambda: tmp_path)
    packed = file.compressed()
    content = json.loads(gzip.decompress(packed.path.read_bytes()))
    assert [point["id"] for point in content["points"]] == IDS
    assert content["metadata"]["snapshot_id"] == snapshot.snapshot_id
    assert file.compressed() is packed
    assert [path.name for path in tmp_path.iterdir()] == ["embeddings_3d.json.gz"]


def test_equal_snapshots_give_equal_bytes(snapshot, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = (EmbeddingsFile(snapshot, partial(Path, tmp_path, name)).compressed() for name in "ab")
    assert first.checksum == second.checksum
