"""The same rows are read from every kind of file, and what is wrong with a file is said in one sentence."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import datasets
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from kat_ray.errors import InputError, ResourceError
from kat_ray.evaluation import reading
from kat_ray.evaluation.reading import read_evaluation_set
from kat_ray.evaluation.relevance import EvaluationSet
from kat_ray.storage import Location
from tests.failing_disk import FailingDisk

ROWS = [
    {"query": "Wie geht's?", "pos": ["gut", "nicht so gut"], "hard_neg": ["grün"]},
    {"query": "", "pos": ["x"], "hard_neg": []},
    {"query": "2 + 2", "pos": ["4"], "hard_neg": []},
]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def write_saved(path: Path) -> None:
    datasets.disable_progress_bars()
    datasets.Dataset.from_list(ROWS).save_to_disk(path)


def write_saved_splits(path: Path) -> None:
    datasets.disable_progress_bars()
    datasets.DatasetDict({"test": datasets.Dataset.from_list(ROWS)}).save_to_disk(path)


def write_folder(path: Path) -> None:
    path.mkdir()
    (path / "1.json").write_text(json.dumps(ROWS[:2]))
    pq.write_table(pa.Table.from_pylist(ROWS[2:]), path / "2.parquet")


WRITERS: dict[str, Callable[[Path], object]] = {
    "list.json": lambda path: path.write_text(json.dumps(ROWS)),
    "indented.json": lambda path: path.write_text("\ufeff \n" + json.dumps(ROWS, indent=2)),
    "lines.jsonl": lambda path: path.write_bytes(LINES),
    "lines.jsonl.gz": lambda path: path.write_bytes(gzip.compress(LINES)),
    "list.json.gz": lambda path: path.write_bytes(gzip.compress(json.dumps(ROWS).encode())),
    "table.parquet": lambda path: pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=1),
    "folder": write_folder,
    "saved": write_saved,
    "saved_splits": write_saved_splits,
}


def read_bytes(folder: Path, data: bytes, name: str = "set.json") -> EvaluationSet:
    (folder / name).write_bytes(data)
    return read_evaluation_set(str(folder / name))


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file_gives_the_same_set(name, tmp_path):
    WRITERS[name](tmp_path / name)
    found = read_evaluation_set(str(tmp_path / name))
    assert found.queries == ("Wie geht's?", "2 + 2")
    assert found.documents == ("gut", "nicht so gut", "grün", "4")
    assert found.relevance.rows.tolist() == [0, 1, 3]
    assert found.relevance.hard_rows.tolist() == [2]
    assert [tuple(reject) for reject in found.first_rejects] == [(2, "query is empty")]
    assert found.num_rows == 3


def test_a_set_is_read_from_an_object_store(s3_uri):
    location = Location(s3_uri("evaluation/list.json"))
    location.write_bytes(json.dumps(ROWS).encode())
    assert read_evaluation_set(location.uri).queries == ("Wie geht's?", "2 + 2")


def test_lines_have_their_true_numbers_and_bad_ones_do_not_end_the_reading(tmp_path):
    found = read_bytes(tmp_path, b"\n{broken\n" + LINES + b'{"query": "\xff"}\n[1]\n5\nnull', "set.jsonl")
    assert len(found.queries) == 2
    assert [reject.row for reject in found.first_rejects] == [2, 4, 6, 7, 8, 9]
    assert found.first_rejects[2].reason == "not valid UTF-8"


def test_numbers_go_on_from_file_to_file(tmp_path):
    for name in ("1.jsonl", "2.jsonl"):
        (tmp_path / name).write_bytes(LINES)
    assert [reject.row for reject in read_evaluation_set(str(tmp_path)).first_rejects] == [2, 5]


def test_the_first_samples_are_taken(tmp_path):
    (tmp_path / "set.jsonl").write_bytes(LINES + b"{broken")
    found = read_evaluation_set(str(tmp_path / "set.jsonl"), max_samples=1)
    assert found.queries == ("Wie geht's?",)
    assert found.num_rows == 4
    assert read_evaluation_set(str(tmp_path / "set.jsonl"), max_samples=9).num_rows == 4
    with pytest.raises(InputError, match="is 0, expected at least 1"):
        read_evaluation_set(str(tmp_path / "set.jsonl"), max_samples=0)


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"", "x.json", "is empty; expected rows with query and pos"),
        (b"[]", "x.json", "can be used: there are no rows. Expected rows with query"),
        (b"\n\n", "x.jsonl", "can be used: there are no rows"),
        (b'[{"text": "a"}, {"text": "b"}]', "x.json", r"can be used: 2 x there is no query \(nor anchor or question\)"),
        (b'[{"query": "a"}]', "x.json", r"1 x there is no pos \(nor positive or answer\)"),
        (b'[{"query": "a",', "x.json", "begins like a JSON list but is none: .*, in line 1"),
        (b'[{"query": "\xff"}]', "x.json", "begins like a JSON list but is none: not valid UTF-8"),
        (b'[{"query": NaN}]', "x.json", "begins like a JSON list but is none: not valid JSON"),
        (b"[" * 9999, "x.json", "begins like a JSON list but is none"),
        (b"\xff\xfe[\x00", "x.json", "the file is UTF-16"),
        (gzip.compress(b"[" + b" " * 70_000, mtime=0)[:60], "x.json.gz", "gzip data"),
        (gzip.compress(LINES, mtime=0)[:40], "x.jsonl.gz", "gzip data end early"),
        (b"PAR1 and no more", "x.parquet", "the Parquet data are damaged"),
        (b"BZh9", "x.json", "bzip2-compressed"),
    ],
)
def test_a_file_without_a_usable_row_says_why(data, name, sentence, tmp_path):
    with pytest.raises(InputError, match=sentence):
        read_bytes(tmp_path, data, name)


def test_columns_that_are_missing_are_named(tmp_path):
    pq.write_table(pa.table({"text": ["a"], "label": [1]}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match=r"1 x there is no query \(nor anchor or question\)"):
        read_evaluation_set(str(tmp_path / "x.parquet"))


def test_a_list_too_long_to_be_held_is_refused_before_it_is_parsed(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_LONGEST_LIST_BYTES", 100)
    with pytest.raises(InputError, match=r"write one object a line \(JSONL\)"):
        read_bytes(tmp_path, gzip.compress(json.dumps(ROWS).encode()))


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.json does not exist; expected a JSON, JSONL or Parquet file"):
        read_evaluation_set(str(tmp_path / "nowhere.json"))


def test_of_a_saved_dataset_with_several_splits_one_is_to_be_named(tmp_path):
    datasets.disable_progress_bars()
    data = datasets.Dataset.from_list(ROWS)
    datasets.DatasetDict({"train": data, "test": data}).save_to_disk(tmp_path / "saved")
    with pytest.raises(InputError, match=r"holds the splits test, train; name one, as in .*/saved/test"):
        read_evaluation_set(str(tmp_path / "saved"))
    assert len(read_evaluation_set(str(tmp_path / "saved/train")).queries) == 2


@pytest.mark.parametrize("state", [b"{", b"[]", b'{"_data_files": []}', b'{"_data_files": [{"filename": "../x"}]}'])
def test_a_saved_dataset_that_does_not_list_its_files_is_refused(state, tmp_path):
    (tmp_path / "state.json").write_bytes(state)
    with pytest.raises(InputError, match="does not list the data files of a saved dataset"):
        read_evaluation_set(str(tmp_path))


@pytest.mark.parametrize("keep", [0, 300])
def test_damaged_files_of_a_saved_dataset_are_told(keep, tmp_path):
    write_saved(tmp_path / "saved")
    (file,) = (tmp_path / "saved").glob("*.arrow")
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(InputError, match="the Arrow data are damaged"):
        read_evaluation_set(str(tmp_path / "saved"))


def test_a_file_of_a_saved_dataset_that_is_missing_is_named(tmp_path):
    write_saved(tmp_path / "saved")
    (file,) = (tmp_path / "saved").glob("*.arrow")
    file.unlink()
    with pytest.raises(InputError, match=rf"{file.name} is missing, though .*/state.json lists it"):
        read_evaluation_set(str(tmp_path / "saved"))


@pytest.mark.parametrize("good_reads", [0, 1, 9, 20])
def test_a_storage_that_fails_does_not_make_a_saved_dataset_shorter(good_reads, tmp_path, monkeypatch):
    datasets.disable_progress_bars()
    rows = [{"query": f"q {row}", "pos": "long " * 99} for row in range(5000)]
    datasets.Dataset.from_list(rows).save_to_disk(tmp_path / "saved")
    opened = Location.open_input

    def open_input(self: Location) -> object:
        return FailingDisk(opened(self), good_reads) if self.name.endswith(".arrow") else opened(self)

    monkeypatch.setattr(Location, "open_input", open_input)
    with pytest.raises(ResourceError, match=r"Reading .*\.arrow failed: connection reset"):
        read_evaluation_set(str(tmp_path / "saved"))


def test_a_storage_that_does_not_open_a_file_is_an_error_to_try_again(tmp_path, monkeypatch):
    write_saved(tmp_path / "saved")
    opened = Location.open_input

    def open_input(self: Location) -> object:
        if self.name.endswith(".arrow"):
            raise OSError("connection refused")
        return opened(self)

    monkeypatch.setattr(Location, "open_input", open_input)
    with pytest.raises(ResourceError, match=r"Cannot open .*\.arrow: connection refused; run the same command again"):
        read_evaluation_set(str(tmp_path / "saved"))
