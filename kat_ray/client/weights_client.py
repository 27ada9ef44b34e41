"""The weights of one snapshot in the trainer's process: fetched and verified once, looked up and drawn locally.

Knows which snapshot is in use, how long ago it was confirmed, and when to look for a newer one; nothing of torch or of
trainers. Needs numpy, pyarrow and urllib3.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from kat_ray.arrays import Float64Vector
from kat_ray.client.cache import WeightCache
from kat_ray.client.sources import Held, ServiceSource, Source, StoreSource, is_final, require_snapshot_id
from kat_ray.client.transport import HttpTransport, Transport
from kat_ray.errors import (
    InputError,
    KatRayError,
    ServiceError,
    SnapshotDamagedError,
    StaleWeightsError,
)
from kat_ray.geometry.sampling import DrawMethod
from kat_ray.geometry.weights import LossMode, loss_weights
from kat_ray.snapshot.weight_table import Draw, Lookup, WeightTable
from kat_ray.storage import Location

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Staleness:
    """How old the knowledge is that the weights in use are the current ones."""

    checked_at: datetime
    """When the source last confirmed them, UTC."""
    seconds: float
    """Since then."""
    error: str | None
    """Why the last check failed; None when it did not."""


@dataclass(frozen=True, slots=True)
class _State:
    """Replaced as a whole, so that every thread sees one version."""

    held: Held
    checked_at: float
    error: str | None = None


class WeightsClient:
    """Weights by id and draws by weight. Safe for threads, forks and pickling.

    Example:
        client = WeightsClient("http://127.0.0.1:8000", token="…")
        draw = client.draw(512, seed=1, epoch=0)
        client.refresh()  # at the end of an epoch

    The same snapshot, seed and epoch give the same draw here, in the service and in any other process. A pickled client
    opens the same snapshot again, however old it is.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | Transport,
        *,
        token: str | None = None,
        cache: str | os.PathLike[str] | WeightCache | None = None,
        timeout_seconds: float = 10.0,
        max_staleness_seconds: float | None = None,
        snapshot_id: str | None = None,
    ) -> None:
        """Get the current weights, or those of `snapshot_id`, which then stay.

        When a service or a remote store is away, the version that it gave last is taken from the cache; `staleness`
        tells.

        Args:
            source: URL of a service, a transport to one, or the URI of a store or snapshot, which is read directly
                and checked byte by byte.
            token: of the service; it is in no message.
            cache: folder of fetched tables; KAT_RAY_CACHE or ~/.cache/kat-ray/weights when None.
            timeout_seconds: longest silence of the service; a request with all retries ends within 6 of them.
            max_staleness_seconds: when the weights were not confirmed for so long, nothing is given any more (fail
                closed); None goes on with the last good ones.
            snapshot_id: keep to this snapshot, as a resumed run must.

        Raises:
            ServiceUnavailableError: the service or remote store is away and the cache has nothing of it.
            ServiceRefusedError: it refuses, for want of a token or of such a snapshot, or the cache has nothing of it.
            StaleWeightsError: it is away, and what the cache has is too old.
            SnapshotError: there is no usable snapshot at the URI.
        """
        require_snapshot_id(snapshot_id)
        if max_staleness_seconds is not None and not max_staleness_seconds > 0.0:
            raise InputError(f"max_staleness_seconds is {max_staleness_seconds}, expected more than 0, or None.")
        self._source = _source(source, token, cache, timeout_seconds)
        self._max_staleness_seconds = max_staleness_seconds
        self._pinned = snapshot_id
        self._lock = threading.Lock()
        self._state = self._first()
        self._require_fresh(self._state)

    def __repr__(self) -> str:
        return f"WeightsClient({self._source.name!r}, snapshot_id={self.snapshot_id!r})"

    def __getstate__(self) -> dict[str, Any]:
        held = self._state.held
        reference = (held.table.snapshot_id, held.version)
        return self.__dict__ | {"_lock": None, "_state": (reference, self._state.checked_at, self._state.error)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        reference, checked_at, error = state["_state"]
        self.__dict__.update(state, _lock=threading.Lock())
        self._state = _State(self._source.reopen(*reference), checked_at, error)

    @property
    def snapshot_id(self) -> str:
        """The snapshot in use."""
        return self._state.held.table.snapshot_id

    @property
    def table(self) -> WeightTable:
        """The weights in use; the table stays usable after a refresh.

        Raises:
            StaleWeightsError: they were not confirmed for more than `max_staleness_seconds`.
        """
        state = self._state
        self._require_fresh(state)
        return state.held.table

    @property
    def staleness(self) -> Staleness:
        """When the weights were last confirmed, and what stood against it since."""
        return _staleness(self._state)

    def weights(self, ids: Sequence[str] | pa.Array) -> Lookup:
        """Row, presence, weight and density percentile of each id [B]."""
        return self.table.lookup(ids)

    def loss_weights(
        self, ids: Sequence[str] | pa.Array, cap: float | None = None, mode: LossMode = "mean"
    ) -> Float64Vector:
        """Weights [B] for the loss of a training set with these prompts, mean 1; unknown ids get 1."""
        return loss_weights(self.weights(ids).weights, cap, mode)

    def draw(self, n: int, seed: int = 0, epoch: int = 0, method: DrawMethod = "systematic") -> Draw:
        """n prompts by weight: a pure function of the arguments and the snapshot."""
        return self.table.draw(n, method, seed, epoch)

    def refresh(self, snapshot_id: str | None = None) -> bool:
        """Look for newer weights, or go to those of one snapshot; True when other ones are in use now.

        In an outage the last good weights stay, `staleness.error` says why, and False is returned. A client that keeps
        to a snapshot stays with it. In training on several ranks, one rank refreshes and the others go to its
        `snapshot_id`, so that all draw alike.

        Raises:
            StaleWeightsError: the outage lasts longer than `max_staleness_seconds`.
            KatRayError: the snapshot that was asked for by id cannot be had; the weights in use stay.
        """
        require_snapshot_id(snapshot_id)
        with self._lock:
            before = self._state
            try:
                self._state = self._checked(snapshot_id or self._pinned, before.held)
            except (KatRayError, OSError) as error:
                if snapshot_id is not None:
                    raise
                self._state = replace(before, error=str(error))
                _LOG.warning("The weights of snapshot %s stay in use. %s", before.held.table.snapshot_id, error)
                self._require_fresh(self._state, error)
            if self._pinned is not None and snapshot_id is not None:
                self._pinned = snapshot_id
            return self._state.held.table.snapshot_id != before.held.table.snapshot_id

    def put(self, path: str, message: object) -> None:
        """Send a JSON message to a path of the service, such as "/v1/exposures/run-7" (percent-encoded).

        Raises:
            InputError: the weights come from a store, so that there is no service.
            ServiceError: the service is away or refuses.
        """
        if not isinstance(self._source, ServiceSource):
            raise InputError(f"{self._source.name} is read directly; there is no service to send to.")
        body = json.dumps(message, allow_nan=False).encode()
        headers = {"content-type": "application/json"}
        self._source.transport.request("PUT", path, headers=headers, body=body)

    def _first(self) -> _State:
        try:
            return self._checked(self._pinned, None)
        except (ServiceError, SnapshotDamagedError) as error:
            found = None if is_final(error, self._pinned) else self._source.last_good(self._pinned)
            if found is None:
                raise
            _LOG.warning("The weights of snapshot %s come from the cache. %s", found[0].table.snapshot_id, error)
            return _State(*found, error=str(error))

    def _checked(self, snapshot_id: str | None, held: Held | None) -> _State:
        """What the source gives now, noted for the time when it is away."""
        state = _State(self._source.fetch(snapshot_id, held), time.time())
        if state.held.version is not None:
            self._source.remember(state.held.version, state.checked_at, is_current=snapshot_id is None)
        return state

    def _require_fresh(self, state: _State, cause: Exception | None = None) -> None:
        stale = _staleness(state)
        if self._max_staleness_seconds is not None and stale.seconds > self._max_staleness_seconds:
            raise StaleWeightsError(
                f"The weights of snapshot {state.held.table.snapshot_id} were last confirmed {stale.seconds:,.0f} s "
                f"ago, more than max_staleness_seconds={self._max_staleness_seconds:g}; call refresh(). "
                f"{stale.error or 'No check has failed since.'}"
            ) from cause


def _staleness(state: _State) -> Staleness:
    seconds = max(0.0, time.time() - state.checked_at)
    return Staleness(datetime.fromtimestamp(state.checked_at, UTC), seconds, state.error)


def _source(
    source: str | os.PathLike[str] | Transport,
    token: str | None,
    cache: str | os.PathLike[str] | WeightCache | None,
    timeout_seconds: float,
) -> Source:
    folder = cache if isinstance(cache, WeightCache) else WeightCache(cache)
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        return ServiceSource(HttpTransport(source, token, timeout_seconds), folder)
    if token is not None:
        raise InputError("A token goes with the URL of a service; a transport has its own, and a store has none.")
    if isinstance(source, str | Path):
        return StoreSource(Location(str(source)), folder)
    return ServiceSource(source, folder)  # type: ignore[arg-type]
