"""Files become splits that cover every row once."""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from kat_ray.errors import InputError
from kat_ray.pairs.splits import Split, plan_splits
from kat_ray.storage import Location

LINE = b'{"prompt": "Hi"}\n'


def write(path: Path, data: bytes = LINE) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path)


def write_table(path: Path, rows: int = 1, group: int = 1) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"prompt": [f"{row} " * 50 for row in range(rows)]}), path, row_group_size=group)
    return str(path)


def test_jsonl_is_cut_by_bytes_without_gaps(tmp_path: Path) -> None:
    uri = write(tmp_path / "a.jsonl", LINE * 10)
    splits = plan_splits([uri], split_bytes=64)
    assert splits == [Split(uri, "jsonl", 0, 64), Split(uri, "jsonl", 64, 128), Split(uri, "jsonl", 128, 170)]


def test_gzip_is_one_split_and_parquet_is_cut_by_row_groups(tmp_path: Path) -> None:
    zipped = write(tmp_path / "a.jsonl.gz", gzip.compress(LINE * 1000))
    table = write_table(tmp_path / "b.parquet", rows=30, group=10)
    assert [split.format for split in plan_splits([zipped], split_bytes=1)] == ["gzip"]
    parts = plan_splits([table], split_bytes=1)
    assert [(split.format, split.start, split.stop) for split in parts] == [("parquet", n, n + 1) for n in range(3)]
    assert plan_splits([table]) == [Split(table, "parquet", 0, 3)]


def test_magic_bytes_go_before_the_name(tmp_path: Path) -> None:
    zipped = write(tmp_path / "a.jsonl", gzip.compress(LINE))
    table = write_table(tmp_path / "b")
    plain = write(tmp_path / "c")
    assert [split.format for split in plan_splits([zipped, table, plain])] == ["gzip", "parquet", "jsonl"]


def test_a_folder_gives_its_data_files_by_name_and_nothing_else(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.JSONL", "sub/c.ndjson", "_SUCCESS", "README.md", ".a.jsonl.part", ".cache/x.jsonl"):
        write(tmp_path / name)
    write(tmp_path / "_temporary" / "x.jsonl")
    write_table(tmp_path / "d.parquet")
    found = [split.uri.removeprefix(f"{tmp_path}/") for split in plan_splits([str(tmp_path)])]
    assert found == ["a.JSONL", "b.jsonl", "d.parquet", "sub/c.ndjson"]


def test_files_come_in_the_order_given(tmp_path: Path) -> None:
    uris = [write(tmp_path / name) for name in ("b.jsonl", "a.jsonl")]
    assert [split.uri for split in plan_splits(uris)] == uris


def test_an_empty_file_among_others_has_no_splits(tmp_path: Path) -> None:
    empty, full = write(tmp_path / "a.jsonl", b""), write(tmp_path / "b.jsonl")
    assert [split.uri for split in plan_splits([empty, full])] == [full]


def test_paths_without_anything_to_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    empty = write(tmp_path / "empty.jsonl", b"")
    for uri, reason in [
        (f"{tmp_path}/absent.jsonl", "absent.jsonl does not exist"),
        (f"{tmp_path}/folder", "folder holds no .jsonl"),
        (empty, "Nothing to read in .*empty.jsonl"),
    ]:
        with pytest.raises(InputError, match=reason):
            plan_splits([uri])
    with pytest.raises(InputError, match="empty list"):
        plan_splits([])


@pytest.mark.parametrize(
    ("magic", "name"),
    [(b"BZh9", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"PK\x03\x04", "zip")],
)
def test_a_foreign_compression_is_named(tmp_path: Path, magic: bytes, name: str) -> None:
    with pytest.raises(InputError, match=f"x.jsonl is {name}-compressed"):
        plan_splits([write(tmp_path / "x.jsonl", magic + b"....")])


def test_a_parquet_file_without_a_footer_is_one_split(tmp_path: Path) -> None:
    uri = write(tmp_path / "a.parquet", b"PAR1 and then nothing")
    assert plan_splits([uri]) == [Split(uri, "parquet", 0, 1)]


def test_splits_travel_to_workers_and_name_files_of_an_object_store(s3_uri: Callable[[str], str]) -> None:
    folder = Location(s3_uri("splits"))
    (folder / "b.jsonl").write_bytes(LINE)
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(LINE))
    splits = pickle.loads(pickle.dumps(plan_splits([folder.uri])))
    assert [split.uri for split in splits] == [(folder / "a.jsonl.gz").uri, (folder / "b.jsonl").uri]


def test_an_error_names_what_lies_in_an_object_store_without_its_options(s3_uri: Callable[[str], str]) -> None:
    with pytest.raises(InputError, match=r"^s3://corpus/splits/absent does not exist"):
        plan_splits([s3_uri("splits/absent")])
    Location(s3_uri("splits/empty")).write_bytes(b"")
    with pytest.raises(InputError, match=r"in s3://corpus/splits/empty: expected"):
        plan_splits([s3_uri("splits/empty")])
