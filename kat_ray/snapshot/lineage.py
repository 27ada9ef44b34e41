"""The edits by which a snapshot came from others, read off the weights before and after each of them: a manifest names
the factor of its edit and a hash of the ids, not the ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kat_ray.errors import SnapshotError
from kat_ray.snapshot.snapshot import Snapshot


class Edit(NamedTuple):
    """One edit: what it multiplied weights by, and whether it named each row [N]."""

    factor: float
    named: NDArray[np.bool_]


def edit_steps(snapshot: Snapshot) -> Iterator[tuple[Snapshot, Snapshot]]:
    """Each edit, the last one first: the snapshot that it made and the one that it was made from.

    Raises:
        SnapshotError: one of them is not whole any more.
    """
    while (name := snapshot.manifest.parameters.get("parent")) is not None:
        parent = Snapshot.open(snapshot.location.sibling(name))
        yield snapshot, parent
        snapshot = parent


def rescaling(child: Snapshot, parent: Snapshot) -> float:
    """By how much scaling to sum 1 changed the weights that the edit left alone: an edit that raises others lowers
    them."""
    edit = child.manifest.parameters["edits"]
    if edit["num_ids"] == child.num_prompts:
        return float(1.0 / edit["factor"])
    ratios = child.weights / parent.weights
    return float(ratios.min() if edit["factor"] > 1.0 else ratios.max())


def edits(snapshot: Snapshot) -> list[Edit]:
    """The edits that a snapshot came from, the first one first. Opens each snapshot that it came from, once.

    Raises:
        SnapshotError: one of them is not whole any more.
    """
    return [_told(child, parent) for child, parent in edit_steps(snapshot)][::-1]


def edit_factors(snapshot: Snapshot, row: int) -> list[float] | None:
    """What edits multiplied the weight of a row by, before all were scaled to sum 1; the first edit first.

    None: it cannot be told, since a snapshot that this one came from is not whole any more.
    """
    try:
        return [edit.factor for edit in edits(snapshot) if edit.named[row]]
    except SnapshotError:
        return None


def _told(child: Snapshot, parent: Snapshot) -> Edit:
    """The edit named the rows whose weight changed by its factor rather than not at all."""
    factor = child.manifest.parameters["edits"]["factor"]
    change = child.weights / parent.weights / rescaling(child, parent)
    return Edit(factor, np.abs(np.log(change / factor)) < np.abs(np.log(change)))
