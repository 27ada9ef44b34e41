"""What a build takes from snapshots that the store already has, instead of making it again.

Vectors go by text, so that a grown corpus embeds only what is new, and its exact graph is grown from an earlier one.
Whole columns go by the parameters that decide them: another weight power needs neither vectors, graph nor layout anew.
A column is used only when its bytes have the checksum of its manifest; a damaged snapshot is no source.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from kat_ray.engine.tasks import run_task
from kat_ray.errors import SnapshotError
from kat_ray.snapshot.column_record import record_column
from kat_ray.snapshot.diagnostics import Diagnostics
from kat_ray.snapshot.manifest import Manifest
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location

_CHUNK_BYTES = 16 << 20
_INPUT = ("input_hash", "text", "dedupe_by", "encoder")
_GRAPH = (*_INPUT, "stored_k", "index", "seed")
_MOST_GRAPHS = 4  # each is read and compared whole
_VECTORS = ("prompts", "embeddings", "num_tokens")
_LAYOUT_NUMBERS = ("trustworthiness", "layout_outlier_share", "layout_spread", "source_mixing")


@dataclass(frozen=True, slots=True)
class _Stage:
    """Columns that one stage makes, its record, and the parameters that decide them."""

    record: str
    parameters: tuple[str, ...]
    columns: tuple[str, ...]


_STAGES = (
    _Stage("embeddings.json", _INPUT, ("embeddings", "num_tokens")),
    _Stage("neighbors.json", _GRAPH, ("neighbor_indices", "neighbor_distances")),
    _Stage("layout.json", (*_GRAPH, "layout", "layout_form", "map_of"), ("layout",)),
)


def take_columns(store: Store, work: Location, parameters: Mapping[str, Any]) -> None:
    """Copy whole columns of equal parameters into the work folder, with the records that make their stages done."""
    run_task(_take_columns, store, work, dict(parameters))


def snapshots_with_vectors(store: Store, encoder: Mapping[str, Any]) -> list[Location]:
    """Sound snapshots, newest first, whose vectors come from the same encoder."""
    return run_task(_snapshots_with_vectors, store, dict(encoder))


def snapshots_with_graph(store: Store, encoder: Mapping[str, Any], k: int) -> list[Location]:
    """Sound ones of the four newest with vectors of the same encoder and an exact graph of at least k neighbors."""
    return run_task(_snapshots_with_graph, store, dict(encoder), k)


def _take_columns(store: Store, work: Location, parameters: dict[str, Any]) -> None:
    manifests = [store.manifest(entry.snapshot_id) for entry in store.list()]
    for stage in _STAGES:
        same = [manifest for manifest in manifests if _agree(manifest.parameters, parameters, stage.parameters)]
        for manifest in same:
            if not (work / stage.record).exists() and _is_sound(store, manifest, stage.columns):
                _copy_stage(store.folder(manifest.snapshot_id), manifest, work, stage)


def _snapshots_with_vectors(store: Store, encoder: dict[str, Any]) -> list[Location]:
    sound = (manifest for manifest in _of_encoder(store, encoder) if _is_sound(store, manifest, _VECTORS))
    return [store.folder(manifest.snapshot_id) for manifest in sound]


def _snapshots_with_graph(store: Store, encoder: dict[str, Any], k: int) -> list[Location]:
    exact = (
        manifest
        for manifest in _of_encoder(store, encoder)
        if manifest.parameters.get("index") == "exact" and manifest.column("neighbor_indices").shape[1] >= k
    )
    columns = (*_VECTORS, "neighbor_indices", "neighbor_distances")
    newest = islice(exact, _MOST_GRAPHS)
    return [store.folder(manifest.snapshot_id) for manifest in newest if _is_sound(store, manifest, columns)]


def _of_encoder(store: Store, encoder: dict[str, Any]) -> Iterator[Manifest]:
    for entry in store.list():
        manifest = store.manifest(entry.snapshot_id)
        if manifest.parameters.get("encoder") == encoder:
            yield manifest


def _agree(first: Mapping[str, Any], second: Mapping[str, Any], names: Sequence[str]) -> bool:
    return all(first.get(name) == second.get(name) for name in names)  # map_of stands only where a map goes on


def _is_sound(store: Store, manifest: Manifest, columns: Sequence[str]) -> bool:
    folder = store.folder(manifest.snapshot_id)
    records = [manifest.column(name) for name in columns]
    if any(record.owner is not None for record in records):
        return False  # an edited snapshot shares them with another one, which is asked itself
    try:
        return all(record_column(record.name, folder / record.file) == record for record in records)
    except SnapshotError:
        return False


def _copy_stage(folder: Location, manifest: Manifest, work: Location, stage: _Stage) -> None:
    for name in stage.columns:
        file = manifest.column(name).file
        with (folder / file).open_input() as source, (work / file).open_output() as target:
            while chunk := source.read(_CHUNK_BYTES):
                target.write(chunk)
    record = _record(stage, manifest, manifest.diagnostics)
    (work / stage.record).write_bytes(json.dumps({**record, "seconds": 0.0}).encode())


def _record(stage: _Stage, manifest: Manifest, numbers: Diagnostics) -> dict[str, Any]:
    if stage.record == "embeddings.json":
        num_rows = manifest.counts.prompts
        return {"num_embedded": 0, "num_reused": num_rows, "num_truncated": numbers["num_truncated"]}
    if stage.record == "neighbors.json":
        return {"k": manifest.column("neighbor_indices").shape[1], "recall": numbers["recall"]}
    return {"diagnostics": {name: value for name, value in numbers.items() if name in _LAYOUT_NUMBERS}}
