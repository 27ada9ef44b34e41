from __future__ import annotations

from dataclasses import replace

import pytest

from kat_ray.errors import SnapshotDamagedError
from kat_ray.snapshot.column_record import ColumnRecord, check_record, record_column
from kat_ray.storage import Location

RECORD = ColumnRecord("weights", "weights.npy", 224, "0" * 64, 12, "<f8", (12,), owner="ab" * 8)


def test_a_record_changes_with_any_byte_of_its_file(tmp_path):
    file = Location(str(tmp_path / "clusters.json"))
    file.write_bytes(b"[1, 2]")
    first = record_column("cluster_terms", file)
    file.write_bytes(b"[1, 3]")
    second = record_column("cluster_terms", file)
    assert (first.bytes, first.rows, first.dtype) == (second.bytes, second.rows, second.dtype) == (6, 2, "json")
    assert first.checksum != second.checksum


@pytest.mark.parametrize("name", ["gone.npy", "broken.npy", "broken.parquet", "broken.json"])
def test_a_file_that_is_not_of_its_kind_has_no_record(tmp_path, name):
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"nonsense")
    with pytest.raises(SnapshotDamagedError, match=name):
        record_column("x", Location(str(tmp_path / name)))


@pytest.mark.parametrize("owner", ["", "..", "../other", "AB" * 8, "ab" * 8 + "\n", "ab" * 9])
def test_an_owner_that_is_no_snapshot_id_is_refused(owner):
    check_record(RECORD)
    with pytest.raises(SnapshotDamagedError, match="expected a snapshot id"):
        check_record(replace(RECORD, owner=owner))
