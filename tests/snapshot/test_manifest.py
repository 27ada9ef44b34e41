from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kat_ray.errors import SnapshotDamagedError, SnapshotMismatchError
from kat_ray.snapshot.manifest import COLUMN_FILES, Manifest, snapshot_id


@pytest.fixture(scope="module")
def manifest(make_columns: Callable[..., Manifest], tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return make_columns(tmp_path_factory.mktemp("work"))


@pytest.fixture
def content(manifest: Manifest) -> dict[str, Any]:
    """The manifest as JSON values that a test may change."""
    return json.loads(manifest.to_json())


def _parse(content: object) -> Manifest:
    return Manifest.from_json(json.dumps(content).encode())


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all values in nested JSON, the containers themselves included."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _leaves(item, (*path, key))


def _at(content: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        content = content[key]
    return content


def test_a_manifest_reads_back_as_written_in_sorted_utf8_json(manifest):
    data = manifest.to_json()
    assert Manifest.from_json(data) == manifest
    assert list(json.loads(data)) == sorted(json.loads(data))
    assert {record.name: record.file for record in manifest.columns} == COLUMN_FILES


def test_every_missing_key_is_refused_by_name(content):
    free = {("parameters",), ("seeds",), ("libraries",), ("stage_seconds",)}
    free |= {("diagnostics", "sources"), ("diagnostics", "ess_over_power")}
    for path in list(_leaves(content)):
        parent = _at(content, path[:-1])
        if isinstance(parent, dict) and path[:-1] not in free and path != ("encoder", "pooling"):
            kept = parent.pop(path[-1])
            with pytest.raises(SnapshotDamagedError, match=path[-1].replace("_", ".")):
                _parse(content)
            parent[path[-1]] = kept


@pytest.mark.parametrize("wrong", [{"x": 1}, [{}], "text", True, 1.5])
def test_every_value_of_another_type_is_refused(content, wrong):
    kinds = {dict: dict, list: list, str: str, bool: bool, int: float, float: float, type(None): float}
    for path in list(_leaves(content)):
        parent, value = _at(content, path[:-1]), _at(content, path)
        if kinds[type(value)] is kinds[type(wrong)] or (path[0] in ("parameters", "encoder") and len(path) > 1):
            continue
        parent[path[-1]] = wrong
        with pytest.raises(SnapshotDamagedError):
            _parse(content)
        parent[path[-1]] = value


@pytest.mark.parametrize("version", [0, 2, "1", None, True])
def test_another_schema_version_is_refused(content, version):
    with pytest.raises(SnapshotDamagedError, match="schema version"):
        _parse({**content, "schema_version": version})


@pytest.mark.parametrize(
    "file", ["../weights.npy", "/etc/passwd", "a/b.npy", "..", ".npy", "weights.pkl", "weights.npy\n", "w\\x.npy", ""]
)
def test_a_file_name_that_is_not_a_plain_one_is_refused(content, file):
    content["columns"][0]["file"] = file
    with pytest.raises(SnapshotDamagedError, match="plain name"):
        _parse(content)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff{}",
        b"{" * 100_000,
        b"[" * 100_000,
        b'{"schema_version": NaN}',
        b'{"schema_version": 1e999}',
        b'{"schema_version": ' + b"1" * 9_000 + b"}",
    ],
)
def test_bytes_that_are_not_one_json_object_are_refused(data):
    with pytest.raises(SnapshotDamagedError, match=r"manifest\.json"):
        Manifest.from_json(data)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"parameters": {"k": 11}}, "altered"),
        ({"parameters": {"k": "\ud800"}}, "cannot be hashed"),
        ({"snapshot_id": "0" * 16}, "altered"),
        ({"created_at": "yesterday"}, "ISO time"),
        ({"created_at": "2026-01-02T03:04:05"}, "UTC"),
        ({"created_at": "2026-01-02T03:04:05+01:00"}, "UTC"),
        ({"extra": 1}, "unknown keys extra"),
        ({"encoder": {"name": "x"}}, "encoder lacks dimension, revision"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(content, change, reason):
    with pytest.raises(SnapshotDamagedError, match=reason):
        _parse({**content, **change})


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("counts", "rejected"), 3, "account for every input row"),
        (("counts", "pairs"), -1, "account for every input row"),
        (("columns", 0, "checksum"), "ab", "64 hex digits"),
        (("columns", 0, "bytes"), -1, "bytes"),
        (("columns", 3, "rows"), 13, "rows"),
        (("columns", 1, "name"), "prompts", "lists a column name twice"),
        (("columns", 1, "file"), "prompts.parquet", "lists a column file twice"),
        (("diagnostics", "mass_per_density_quartile"), [1.0], "four numbers"),
    ],
)
def test_numbers_that_cannot_be_are_refused(content, path, value, reason):
    _at(content, path[:-1])[path[-1]] = value
    with pytest.raises(SnapshotDamagedError, match=reason):
        _parse(content)


def test_new_diagnostics_do_not_make_a_manifest_unreadable(content):
    content["diagnostics"]["new_number"] = 1
    assert "new_number" in _parse(content).diagnostics


def test_a_number_that_json_cannot_hold_is_not_written(manifest):
    manifest.diagnostics["gini"], kept = float("nan"), manifest.diagnostics["gini"]
    with pytest.raises(SnapshotMismatchError, match="JSON"):
        manifest.to_json()
    manifest.diagnostics["gini"] = kept


def test_the_id_depends_on_every_parameter_but_not_on_their_order():
    first = {"a": 1, "b": {"c": [1, 2], "d": None}}
    assert snapshot_id(first) == snapshot_id({"b": {"d": None, "c": [1, 2]}, "a": 1})
    others = [{**first, "a": 2}, {**first, "a": 1.5}, {"a": 1}, {"a": 1, "b": {"c": [2, 1], "d": None}}]
    assert len({snapshot_id(parameters) for parameters in [first, *others]}) == 5
    assert len(snapshot_id(first)) == 16


def test_an_unknown_column_is_named_with_those_that_are_there(manifest):
    with pytest.raises(SnapshotMismatchError, match="no column 'wings'; it has prompts, pairs"):
        manifest.column("wings")
