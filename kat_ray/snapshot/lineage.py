"""The edits by which a snapshot came from others, read off the weights before and after each of them: a manifest names
the factor of its edit and a hash of the ids, not the ids."""

from __future__ import annotations

import math
from collections.abc import Iterator

from kat_ray.errors import SnapshotError
from kat_ray.snapshot.snapshot import Snapshot


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


def edit_factors(snapshot: Snapshot, row: int) -> list[float] | None:
    """What edits multiplied the weight of a row by, before all were scaled to sum 1; the first edit first.

    None: it cannot be told, since a snapshot that this one came from is not whole any more.
    """
    try:
        steps = list(edit_steps(snapshot))
    except SnapshotError:
        return None
    factors = [child.manifest.parameters["edits"]["factor"] for child, parent in steps if _names(child, parent, row)]
    return factors[::-1]


def _names(child: Snapshot, parent: Snapshot, row: int) -> bool:
    """Whether the edit named this row: its weight changed by the factor rather than not at all."""
    factor = child.manifest.parameters["edits"]["factor"]
    change = float(child.weights[row] / parent.weights[row]) / rescaling(child, parent)
    return abs(math.log(change / factor)) < abs(math.log(change))
