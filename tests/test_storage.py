"""Files appear whole or not at all, on a disk and on an object store alike."""

from __future__ import annotations

import pickle
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow import fs

from kat_ray.errors import InputError
from kat_ray.storage import Location

ODD_NAMES = ("a b", "größe", "日本", "a[1]", "a%20b", "a#b", "a?b", "a+b&c=d", "a@b:c", "a;'()!*,$~", "%zz", "a\\b")


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


def test_a_name_with_a_bare_number_sign_does_not_open_another_file() -> None:
    with pytest.raises(InputError, match=r"s3://bucket/x#1: .* written %23"):
        Location("s3://bucket/x#1?region=x").exists()


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_listed_name_opens_its_file_whatever_its_characters(folder: Location, name: str) -> None:
    (folder / name / f"{name}.bin").write_bytes(name.encode())
    assert [child for child, _ in folder.children()] == [name]
    (found,) = names(folder)
    assert (folder / found).read_bytes() == name.encode()
    assert (folder / found).name == found.rpartition("/")[2] == f"{name}.bin"


def test_names_of_another_writer_in_an_object_store_open_their_files(s3_uri: Callable[[str], str]) -> None:
    folder = Location(s3_uri(f"storage/{uuid.uuid4().hex}"))
    system, path = fs.FileSystem.from_uri(folder.uri)
    for name in ODD_NAMES:
        with system.open_output_stream(f"{path}/{name}") as stream:
            stream.write(name.encode())
    assert {name: (folder / name).read_bytes() for name in names(folder)} == {name: name.encode() for name in ODD_NAMES}


def test_beside_is_the_same_folder_with_a_longer_name(folder: Location) -> None:
    target = folder / "a b"
    target.beside(" #2").write_bytes(b"x")
    assert names(folder) == ["a b #2"]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://bucket/store?region=x", "s3://bucket/store.work?region=x"),
        ("s3://bucket/a%20b/?region=x", "s3://bucket/a%20b.work?region=x"),
        ("/data/store/", "/data/store.work"),
        ("/data/store/.", "/data/store.work"),
        ("/data/what?", "/data/what?.work"),
    ],
)
def test_beside_keeps_query_options_at_the_end(uri: str, expected: str) -> None:
    assert Location(uri).beside(".work").uri == expected


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://K:S@bucket/?region=x"])
def test_nothing_lies_beside_a_bucket(uri: str) -> None:
    with pytest.raises(InputError, match=r"s3://bucket/? is a whole bucket"):
        Location(uri).beside(".work")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("s3://KEY:SECRET@bucket/data/x?region=x", "s3://bucket/data/x"),
        ("s3://KEY:SEC%2FRET@bucket/x", "s3://bucket/x"),
        ("s3://KEY@bucket/x", "s3://bucket/x"),
        ("s3://bucket/x?access_key=KEY&secret_key=SECRET", "s3://bucket/x"),
        ("s3://KEY:SE/CR@ET@bucket/x?secret_key=SECRET", "s3://bucket/x"),
        ("s3://KEY:SE?CRET@bucket/x", "s3://…"),
        ("s3://KEY:SECRET", "s3://…"),
        ("hdfs://host:8020/x", "hdfs://host:8020/x"),
        ("s3://bucket/a%20b@2/x?region=x", "s3://bucket/a%20b@2/x"),
        ("file:///data/a@b?c", "file:///data/a@b?c"),
        ("data/a@b?c", "data/a@b?c"),
    ],
)
def test_a_location_is_shown_without_credentials_and_options(uri: str, shown: str) -> None:
    assert str(Location(uri)) == f"{Location(uri)}" == shown
    assert repr(Location(uri)) == f"Location({shown!r})"


@pytest.mark.parametrize(
    "uri",
    [
        "s3://KEY:SECRET@bucket/a b?region=x",
        "s3://KEY:SECRET@bucket/x?region=x&secret_key=SECRET",
        "s3://KEY:SECRET/SECRET@bucket/x?region=x",
        "nowhere://KEY:SECRET@bucket/x",
        "s3://KEY:SECRET@bucket/x#1?region=x",
        "s3://KEY:SECRET@corpus/x?region=x&scheme=http&endpoint_override=127.0.0.1%3A1",
    ],
)
def test_no_error_shows_a_secret_not_even_in_its_traceback(uri: str) -> None:
    with pytest.raises(InputError) as caught:
        Location(uri).info()
    shown = "".join(traceback.format_exception(caught.value))
    assert "SECRET" not in shown
    assert "KEY" not in shown


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        ("/a/b", "/a/b", True),
        ("/a/b/c", "/a/b/", True),
        ("/a/bc", "/a/b", False),
        ("/a", "/a/b", False),
        ("/a/b/../c", "/a/b", False),
        ("file:///a/b/c", "/a/b", True),
        ("x/y", "x", True),
        (f"{Path.cwd()}/x/y", "x", True),
        ("s3://bucket/a/b?region=x", "s3://bucket/a/", True),
        ("s3://K:S@bucket/a", "s3://bucket/a?region=x", True),
        ("s3://bucket/a%20b/c", "s3://bucket/%61%20b", True),
        ("s3://bucket/a", "s3://bucket", True),
        ("s3://bucket/ab", "s3://bucket/a", False),
        ("s3://bucket2/a", "s3://bucket", False),
        ("gs://bucket/a", "s3://bucket/a", False),
        ("s3://bucket/a", "/bucket", False),
        ("/bucket/a", "s3://bucket", False),
    ],
)
def test_a_location_is_inside_itself_and_the_folders_above_it(inner: str, outer: str, expected: bool) -> None:
    assert Location(inner).is_inside(Location(outer)) is expected


def test_a_shareable_uri_opens_the_same_place_without_secrets() -> None:
    secret = "s3://KEY:SECRET@bucket/store?endpoint_override=127.0.0.1%3A9&scheme=http&access_key=A&secret_key=B"
    shared = (Location(secret) / "a b").shareable
    assert shared == "s3://bucket/store/a%20b?endpoint_override=127.0.0.1%3A9&scheme=http"
    assert Location("relative/store").shareable.startswith("/")
    assert Location("s3://bucket/store").shareable == "s3://bucket/store"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_sibling_lies_in_the_same_folder_whatever_the_names(folder: Location, name: str) -> None:
    (folder / "here").write_bytes(b"here")
    sibling = (folder / "here").sibling(name)
    sibling.write_bytes(b"there")
    assert (folder / name).read_bytes() == b"there"
    assert sibling.sibling("here").read_bytes() == b"here"
    assert (sibling.name, sibling.sibling("x").name) == (name, "x")
