from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from kat_ray.errors import InputError, SnapshotDamagedError, SnapshotMismatchError
from kat_ray.snapshot.columns import (
    REJECTS_SCHEMA,
    read_block,
    read_blocks,
    read_npy,
    read_npy_header,
    read_rows,
    read_table,
    write_npy,
    write_parquet,
)
from kat_ray.storage import Location

MATRIX = np.arange(24, dtype=np.float32).reshape(8, 3)


class Gadget:
    """Unpickling it writes a file: what a hostile array would do."""

    def __init__(self, victim: Path) -> None:
        self._victim = victim

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self._victim,)


def _rejects(start: int, stop: int) -> pa.Table:
    rows = range(start, stop)
    columns = {"file": [f"f{row % 3}" for row in rows], "line": list(rows), "reason": ["broken"] * len(rows)}
    return pa.table(columns, schema=REJECTS_SCHEMA)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dtype=st.sampled_from(["<f4", "<f8", "<i4", "<i8", "<u8"]),
    width=st.sampled_from([(), (0,), (3,)]),
    cuts=st.lists(st.integers(0, 9), max_size=3),
    start=st.integers(0, 12),
    stop=st.integers(0, 12) | st.none(),
)
def test_any_array_in_any_blocks_reads_back_as_written_and_so_does_any_slice(tmp_path, dtype, width, cuts, start, stop):
    array = np.arange(9 * int(np.prod(width)), dtype=dtype).reshape(9, *width)
    file = Location(str(tmp_path / "column.npy"))
    edges = [0, *sorted(cuts), 9]
    write_npy(file, (array[first:last] for first, last in pairwise(edges)), array.shape, dtype)
    np.testing.assert_array_equal(np.load(file.path, allow_pickle=False), array)
    np.testing.assert_array_equal(read_npy(file, start, stop), array[start:stop])
    assert read_npy_header(file)[:2] == (array.shape, array.dtype)


@pytest.mark.parametrize(
    "blocks",
    [[MATRIX[:7]], [MATRIX, MATRIX[:1]], [MATRIX.astype(np.float64)], [MATRIX[:, :2]], []],
    ids=["too few", "too many", "other dtype", "other width", "none"],
)
def test_blocks_that_do_not_add_up_leave_no_file(tmp_path, blocks):
    with pytest.raises(SnapshotMismatchError):
        write_npy(Location(str(tmp_path / "column.npy")), blocks, (8, 3), np.float32)
    assert list(tmp_path.iterdir()) == []


def test_objects_are_never_written(tmp_path):
    with pytest.raises(SnapshotMismatchError, match="object"):
        write_npy(Location(str(tmp_path / "column.npy")), [], (0,), object)


def test_mapped_arrays_cannot_be_changed(tmp_path):
    file = Location(str(tmp_path / "column.npy"))
    write_npy(file, [MATRIX], MATRIX.shape, np.float32)
    with pytest.raises(ValueError, match="read-only"):
        read_npy(file)[0, 0] = 1


def test_a_pickled_array_is_refused_and_its_payload_does_not_run(tmp_path):
    victim = tmp_path / "victim"
    np.save(tmp_path / "column.npy", np.array([Gadget(victim)], dtype=object), allow_pickle=True)
    (tmp_path / "bare.npy").write_bytes(pickle.dumps(Gadget(victim)))
    for name in ("column.npy", "bare.npy"):
        with pytest.raises(SnapshotDamagedError):
            read_npy(Location(str(tmp_path / name)))
    assert not victim.exists()
    np.load(tmp_path / "column.npy", allow_pickle=True)
    assert victim.exists(), "the gadget is harmless, so the test above proves nothing"


def test_every_cut_of_a_file_is_refused(tmp_path):
    file = tmp_path / "column.npy"
    np.save(file, MATRIX)
    whole = file.read_bytes()
    for size in [*range(0, len(whole), 7), len(whole) - 1]:
        file.write_bytes(whole[:size])
        with pytest.raises(SnapshotDamagedError):
            read_npy(Location(str(file)))
    file.write_bytes(whole + b"x")
    with pytest.raises(SnapshotDamagedError, match="its header promises"):
        read_npy(Location(str(file)))


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.binary(max_size=60)
    | st.text("{}()[]'\",:0123456789<f4 descrshapefortran_orderTrueFalse\\\n").map(str.encode)
)
def test_any_bytes_as_a_header_are_refused_with_the_name_of_the_file(tmp_path, header):
    file = tmp_path / "column.npy"
    file.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(SnapshotDamagedError, match=r"column\.npy"):
        read_npy(Location(str(file)))


@pytest.mark.parametrize(
    "array", [np.asfortranarray(MATRIX), np.array(1.0), np.array(["a"]), np.array([(1, 2.0)], dtype="i4,f8")]
)
def test_arrays_of_another_kind_are_refused(tmp_path, array):
    np.save(tmp_path / "column.npy", array)
    with pytest.raises(SnapshotDamagedError, match="expected plain numbers"):
        read_npy(Location(str(tmp_path / "column.npy")))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SnapshotDamagedError, match=r"gone\.npy is missing"):
        read_npy(Location(str(tmp_path / "gone.npy")))
    with pytest.raises(SnapshotDamagedError, match=r"gone\.parquet is missing"):
        read_block(Location(str(tmp_path / "gone.parquet")), 0)


def test_an_object_store_reads_the_same_rows(s3_uri: Callable[[str], str]):
    file = Location(s3_uri("columns")) / "column.npy"
    write_npy(file, [MATRIX[:5], MATRIX[5:]], MATRIX.shape, np.float32)
    np.testing.assert_array_equal(read_npy(file), MATRIX)
    np.testing.assert_array_equal(read_npy(file, 2, 4), MATRIX[2:4])
    assert not read_npy(file, 2, 4).flags.writeable
    table = Location(s3_uri("columns")) / "rejects.parquet"
    write_parquet(table, REJECTS_SCHEMA, [_rejects(0, 10)], block_rows=4)
    assert read_rows(table, np.array([9, 1]), ["line"])["line"].to_pylist() == [9, 1]


@pytest.mark.parametrize("cuts", [[], [3], [1, 2, 3, 4], [8, 8, 15]])
def test_equal_rows_give_equal_bytes_whatever_the_chunks(tmp_path, cuts):
    whole, cut = Location(str(tmp_path / "whole.parquet")), Location(str(tmp_path / "cut.parquet"))
    edges = [0, *cuts, 20]
    pieces = [_rejects(first, last) for first, last in pairwise(edges)]
    assert write_parquet(whole, REJECTS_SCHEMA, [_rejects(0, 20)], block_rows=8) == 20
    assert write_parquet(cut, REJECTS_SCHEMA, pieces, block_rows=8) == 20
    assert whole.read_bytes() == cut.read_bytes()
    footer = pq.read_metadata(whole.path)
    assert [footer.row_group(group).num_rows for group in range(footer.num_row_groups)] == [8, 8, 4]


def test_blocks_are_read_one_by_one_and_together(tmp_path):
    file = Location(str(tmp_path / "rejects.parquet"))
    write_parquet(file, REJECTS_SCHEMA, [_rejects(0, 20)], block_rows=8)
    assert read_block(file, 2)["line"].to_pylist() == [16, 17, 18, 19]
    assert pa.concat_tables(read_blocks(file)).equals(_rejects(0, 20))
    assert read_table(file, ["line"]).column_names == ["line"]
    with pytest.raises(InputError, match="has 3 blocks"):
        read_block(file, 3)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.integers(0, 19), max_size=12))
def test_rows_come_in_the_order_asked_for(tmp_path, rows):
    file = Location(str(tmp_path / "rejects.parquet"))
    if not file.exists():
        write_parquet(file, REJECTS_SCHEMA, [_rejects(0, 20)], block_rows=8)
    assert read_rows(file, np.array(rows, np.int64), ["line"])["line"].to_pylist() == rows


def test_rows_outside_the_file_are_an_error(tmp_path):
    file = Location(str(tmp_path / "rejects.parquet"))
    write_parquet(file, REJECTS_SCHEMA, [_rejects(0, 3)])
    for row in (-1, 3):
        with pytest.raises(InputError, match="has 3 rows"):
            read_rows(file, np.array([row]))


def test_a_table_of_another_form_or_with_a_missing_value_leaves_no_file(tmp_path):
    file = Location(str(tmp_path / "rejects.parquet"))
    hole = pa.table({"file": [None], "line": [1], "reason": ["x"]}, schema=REJECTS_SCHEMA)
    with pytest.raises(SnapshotMismatchError, match="expected"):
        write_parquet(file, REJECTS_SCHEMA, [pa.table({"line": [1]})])
    with pytest.raises(pa.ArrowInvalid, match="non-nullable"):
        write_parquet(file, REJECTS_SCHEMA, [hole])
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_table_is_refused(tmp_path):
    file = Location(str(tmp_path / "rejects.parquet"))
    write_parquet(file, REJECTS_SCHEMA, [_rejects(0, 20)])
    whole = file.read_bytes()
    for damaged in (whole[:-9], b"", b"PAR1" + bytes(len(whole) - 4)):
        Path(file.path).write_bytes(damaged)
        with pytest.raises(SnapshotDamagedError, match="cannot be read as Parquet"):
            read_table(file)


def test_pickles_of_numpy_are_not_what_is_written(tmp_path):
    file = Location(str(tmp_path / "column.npy"))
    write_npy(file, [MATRIX], MATRIX.shape, np.float32)
    expected = io.BytesIO()
    np.save(expected, MATRIX, allow_pickle=False)
    assert file.read_bytes() == expected.getvalue()
