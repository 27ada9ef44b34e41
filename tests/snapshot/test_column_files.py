"""Columns are found in the folder of their owner, and what is missing is named with whose it is."""

from __future__ import annotations

import pytest

from kat_ray.errors import SnapshotDamagedError
from kat_ray.snapshot.column_files import column_file, column_folder, file_sizes, verify_sizes
from kat_ray.snapshot.column_record import ColumnRecord
from kat_ray.storage import Location

OWN = ColumnRecord("weights", "weights.npy", 3, "0" * 64, 1, "<f8", (1,))
SHARED = ColumnRecord("layout", "layout.npy", 5, "0" * 64, 1, "<f4", (1, 3), owner="ab" * 8)


@pytest.fixture(params=["local", "s3"])
def folder(request, tmp_path) -> Location:
    """A snapshot with one file of its own and one in the folder of its owner."""
    store = Location(str(tmp_path / "a store"))
    if request.param == "s3":
        store = Location(request.getfixturevalue("s3_uri")(f"owners/{tmp_path.name}"))
    (store / ("cd" * 8) / "weights.npy").write_bytes(b"abc")
    (store / ("ab" * 8) / "layout.npy").write_bytes(b"abcde")
    return store / ("cd" * 8)


def test_a_column_lies_in_its_own_folder_or_beside_it_in_that_of_its_owner(folder):
    assert column_file(folder, OWN).read_bytes() == b"abc"
    assert column_file(folder, SHARED).read_bytes() == b"abcde"
    assert column_folder(folder, OWN) == folder
    assert file_sizes(column_folder(folder, SHARED)) == {"layout.npy": 5}
    verify_sizes(folder, (OWN, SHARED))


def test_a_file_that_is_missing_or_cut_is_named_with_its_owner(folder):
    column_file(folder, SHARED).write_bytes(b"abcd")
    with pytest.raises(
        SnapshotDamagedError, match=rf"layout\.npy has 4 bytes, .* 5; .* snapshot {'ab' * 8}, from which"
    ):
        verify_sizes(folder, (OWN, SHARED))
    column_folder(folder, SHARED).delete()
    with pytest.raises(SnapshotDamagedError, match=rf"layout\.npy is missing\. It belongs to snapshot {'ab' * 8}"):
        verify_sizes(folder, (OWN, SHARED))
    column_file(folder, OWN).delete()
    with pytest.raises(SnapshotDamagedError, match=r"weights\.npy is missing\. Build the snapshot again"):
        verify_sizes(folder, (OWN,))
