"""Files appear whole or not at all, on a disk and on an object store alike."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow import fs

from kat_ray.errors import InputError
from kat_ray.storage import Location


@pytest.fixture(params=["path", "file_uri", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    if request.param == "s3":
        s3_uri: Callable[[str], str] = request.getfixturevalue("s3_uri")
        return Location(s3_uri(f"storage/{uuid.uuid4().hex}"))
    return Location(f"file://{tmp_path}/new" if request.param == "file_uri" else f"{tmp_path}/new")


def names(folder: Location) -> list[str]:
    return [name for name, info in folder.children(recursive=True) if info.type == fs.FileType.File]


def test_what_is_written_is_read_again(folder: Location) -> None:
    target = folder / "a" / "data.bin"
    assert not target.exists()
    target.write_bytes(b"one")
    target.write_bytes(b"three")
    assert target.read_bytes() == b"three"
    assert (target.info().size, target.name) == (5, "data.bin")
    assert names(folder) == ["a/data.bin"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(folder: Location) -> None:
    target = folder / "data.bin"
    target.write_bytes(b"old")
    with pytest.raises(TypeError), target.open_output() as stream:
        stream.writelines([b"new" * 1000, "text"])
    assert target.read_bytes() == b"old"
    assert names(folder) == ["data.bin"]


def test_a_file_is_not_there_before_it_is_complete(folder: Location) -> None:
    target = folder / "data.bin"
    with target.open_output() as stream:
        stream.write(b"part")
        assert not target.exists()
    assert target.exists()


def test_moving_replaces_the_target(folder: Location) -> None:
    (folder / "from").write_bytes(b"new")
    (folder / "to").write_bytes(b"old")
    (folder / "from").move_to(folder / "to")
    assert names(folder) == ["to"]
    assert (folder / "to").read_bytes() == b"new"


def test_deleting_takes_files_and_whole_folders_and_ignores_absent_ones(folder: Location) -> None:
    for name in ("a/1", "a/2", "b"):
        (folder / name).write_bytes(b"x")
    (folder / "b").delete()
    assert names(folder) == ["a/1", "a/2"]
    (folder / "a").delete()
    (folder / "absent").delete()
    assert names(folder) == []


def test_part_of_a_file_is_read_by_seeking(folder: Location) -> None:
    (folder / "data.bin").write_bytes(bytes(range(100)))
    with (folder / "data.bin").open_input() as stream:
        stream.seek(40)
        assert stream.read(3) == bytes([40, 41, 42])


def test_children_come_sorted_and_an_absent_folder_has_none(folder: Location) -> None:
    assert (folder / "absent").children() == []
    for name in ("b", "a", "c/d"):
        (folder / name).write_bytes(b"")
    assert [name for name, _ in folder.children()] == ["a", "b", "c"]


def test_a_location_travels_to_another_process(folder: Location) -> None:
    (folder / "x").write_bytes(b"1")
    assert pickle.loads(pickle.dumps(folder / "x")).read_bytes() == b"1"


def test_query_options_stay_with_every_child() -> None:
    assert (Location("s3://bucket/store?region=x") / "a" / "b").uri == "s3://bucket/store/a/b?region=x"


def test_only_remote_locations_are_seen_by_other_nodes() -> None:
    local = [Location(uri).is_local for uri in ("a/b", "/a", "file:///a", "s3://b/a", "gs://b/a")]
    assert local == [True, True, True, False, False]


def test_an_unknown_scheme_is_an_input_error_that_names_the_uri() -> None:
    with pytest.raises(InputError, match="nowhere://bucket/x"):
        Location("nowhere://bucket/x").exists()
