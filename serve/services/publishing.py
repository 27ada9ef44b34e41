"""Changes of what is served: children of a snapshot with edited weights, and the switch to another snapshot. Each one
that was made is a line of the log: snapshots, numbers, and whose token it was."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from kat_ray.errors import InputError, StorageUnavailableError
from kat_ray.snapshot.edits import edit_weights
from kat_ray.snapshot.store import PublishResult
from kat_ray.snapshot.terminal import counted
from serve.catalog import SnapshotCatalog
from serve.refusals import RefusedError
from serve.served import ServedSnapshot
from serve.tokens import Holder

LOG = logging.getLogger("kat_ray.serve")


@dataclass(frozen=True, slots=True)
class Edited:
    """A child snapshot, and whether it is new."""

    snapshot_id: str
    is_new: bool


class Publishing:
    """Edits one at a time, and switches by the catalog; `holder` is whoever asks for one, where there are tokens."""

    def __init__(self, catalog: SnapshotCatalog, max_ids: int) -> None:
        self._catalog = catalog
        self._max_ids = max_ids
        self._editing = threading.Lock()

    def switch(self, snapshot_id: str, holder: Holder | None = None) -> ServedSnapshot:
        """Make a snapshot the current one; raises as `SnapshotCatalog.switch`."""
        before = self._catalog.current().snapshot_id if self._catalog.is_ready else "none"
        switched = self._catalog.switch(snapshot_id)
        size = counted(switched.snapshot.num_prompts, "prompt")
        LOG.info("Switch from snapshot %s to %s of %s, %s.", before, snapshot_id, size, _asked_by(holder))
        return switched

    def edit(self, snapshot_id: str, ids: Sequence[str], factor: float, holder: Holder | None = None) -> Edited:
        """Publish a child whose weights of these ids are `factor` times as large before scaling to sum 1. It shares
        all other columns, and it is not made the current one.

        Raises:
            RefusedError: the snapshot or an id is unknown, there are too many ids, or there is no store.
        """
        result = self._publish(snapshot_id, ids, factor)
        LOG.info(
            "Edit of snapshot %s: weights of %s times %g, %s as snapshot %s, %s.",
            *(snapshot_id, counted(len(set(ids)), "prompt"), factor, result.status, result.snapshot_id),
            _asked_by(holder),
        )
        return Edited(result.snapshot_id, result.status == "published")

    def _publish(self, snapshot_id: str, ids: Sequence[str], factor: float) -> PublishResult:
        store = self._catalog.store
        if store is None:
            raise RefusedError(409, "A single snapshot is served, and a child needs a store: serve the store.")
        if not 1 <= len(ids) <= self._max_ids:
            raise RefusedError(422, f"There are {len(ids):,} ids, expected 1 to {self._max_ids:,}.")
        present = self._catalog.get(snapshot_id).table.lookup(ids).present
        if not present.all():
            unknown, first = int((~present).sum()), int(present.argmin())
            raise RefusedError(
                404,
                f"{unknown:,} of the {len(ids):,} ids are not in snapshot {snapshot_id}, the first at position "
                f"{first:,}; nothing was edited.",
            )
        try:
            with self._editing:
                return edit_weights(store, snapshot_id, ids, factor)
        except StorageUnavailableError:
            raise
        except InputError:
            raise RefusedError(409, "This factor cannot be used on these weights.") from None
        except OSError as error:
            raise RefusedError(503, f"The store cannot be written to ({type(error).__name__}).", 60) from None


def _asked_by(holder: Holder | None) -> str:
    if holder is None:
        return "asked for without a token"
    return f"asked for by {holder.name or 'a token without a name'}"
