"""Edited weights: a new snapshot that differs from its parent in the weights of some prompts and shares all else.

Nothing is computed anew and nothing of the parent changes: the child holds its own weights.npy and manifest, and its
other columns stay in the folder where they are. Its id is a hash of the parent's parameters, the parent's id and the
edit, so the same edit is the same snapshot. Children can be edited again. Knows nothing of why anyone edits.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from kat_ray.arrays import Float64Vector, Int64Vector
from kat_ray.errors import InputError
from kat_ray.geometry.diagnostics import diagnose
from kat_ray.snapshot.column_record import ColumnRecord, record_column
from kat_ray.snapshot.columns import write_npy
from kat_ray.snapshot.diagnostics import Diagnostics
from kat_ray.snapshot.keys import Ids, parse_keys
from kat_ray.snapshot.manifest import COLUMN_FILES, Manifest
from kat_ray.snapshot.manifest import snapshot_id as identify
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import PublishResult, Store
from kat_ray.snapshot.terminal import counted

_WEIGHTS = "weights"
_SMALLEST_WEIGHT = float(np.finfo(np.float64).tiny)  # below it numbers lose digits on their way to 0


def edit_weights(store: Store, snapshot_id: str, ids: Ids, factor: float) -> PublishResult:
    """Multiply the weights of some prompts, scale all to sum 1 again, and add the result to the store.

    The current snapshot stays the current one; `Store.set_current` switches. Ids that come twice count once.

    Raises:
        InputError: no ids, an unknown one, or a factor that is not a positive number or takes weights to 0 or infinity.
        SnapshotError: there is no such snapshot, or one whose columns it shares is missing or damaged.
    """
    parent = Snapshot.open(store.location, snapshot_id)
    rows = _rows(parent, ids)
    weights = _edited(parent.weights, rows, factor)
    edit = {"factor": float(factor), "ids_hash": _ids_hash(parent, rows), "num_ids": len(rows)}
    parameters = {**parent.manifest.parameters, "parent": parent.snapshot_id, "edits": edit}
    name = identify(parameters)
    if store.holds(name):
        return PublishResult(name, "recognized")
    file = store.folder(name) / COLUMN_FILES[_WEIGHTS]
    write_npy(file, [weights], weights.shape, weights.dtype)
    return store.complete(_manifest(parent, name, parameters, weights, record_column(_WEIGHTS, file)))


def _rows(parent: Snapshot, ids: Ids) -> Int64Vector:
    """The rows of the edited prompts, ascending."""
    rows = parent.row_of(ids)
    if not len(rows):
        raise InputError("An edit names no prompts; give the ids of those whose weights change.")
    unknown = np.flatnonzero(rows < 0)
    if len(unknown):
        raise InputError(
            f"{len(unknown):,} of {len(rows):,} ids are not in snapshot {parent.snapshot_id}, first "
            f"{str(ids[int(unknown[0])])[:40]!r}; ids have 16 hex digits. Nothing was changed."
        )
    return np.unique(rows)


def _edited(weights: Float64Vector, rows: Int64Vector, factor: float) -> Float64Vector:
    if not (math.isfinite(factor) and factor > 0.0):
        raise InputError(f"The factor of an edit is {factor}, expected a positive number; 1 changes nothing.")
    edited = np.array(weights)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        edited[rows] *= factor
        edited /= edited.sum()
    if not (edited >= _SMALLEST_WEIGHT).all():
        raise InputError(f"The factor of an edit is {factor:g}, which takes weights to 0 or beyond all bounds.")
    return edited


def _ids_hash(parent: Snapshot, rows: Int64Vector) -> str:
    """32 hex digits (BLAKE2b) of the keys of the edited prompts, ascending, little-endian."""
    keys, _ = parse_keys(parent.ids.take(rows))
    return hashlib.blake2b(np.sort(keys).astype("<u8").tobytes(), digest_size=16).hexdigest()


def _manifest(
    parent: Snapshot, name: str, parameters: dict[str, Any], weights: Float64Vector, record: ColumnRecord
) -> Manifest:
    first, edit = parent.manifest, parameters["edits"]
    prompts = f"{counted(edit['num_ids'], 'prompt')} of {first.snapshot_id}"
    note = f"Weights of {prompts} were multiplied by {edit['factor']:g}."
    return replace(
        first,
        snapshot_id=name,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        parameters=parameters,
        columns=tuple(record if other.name == _WEIGHTS else _shared(parent, other) for other in first.columns),
        diagnostics=_diagnostics(first.diagnostics, weights, parent.density),
        notes=(*first.notes, note),
    )


def _shared(parent: Snapshot, record: ColumnRecord) -> ColumnRecord:
    return record if record.owner is not None else replace(record, owner=parent.snapshot_id)


def _diagnostics(first: Diagnostics, weights: Float64Vector, density: Float64Vector) -> Diagnostics:
    """The parent's numbers, with those of the weights measured again."""
    numbers = diagnose(weights, density)
    measured = Diagnostics(**first)
    measured["effective_sample_size"] = numbers.effective_sample_size
    measured["gini"] = numbers.gini
    measured["max_over_median"] = numbers.max_over_median
    measured["mass_per_density_quartile"] = list(numbers.quartile_mass)
    return measured
