"""Everything that one process of the service holds: the catalog, the services that are not of one snapshot, metrics,
and the threads in which files, NumPy and Arrow work while the event loop goes on answering."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from kat_ray.errors import ResourceError
from kat_ray.storage import Location
from serve.catalog import SnapshotCatalog
from serve.folder import remove_abandoned
from serve.metrics import Metrics
from serve.served import ServedSnapshot
from serve.services.comparison import Comparisons
from serve.services.encoders import Encoders
from serve.services.exposures import Exposures
from serve.services.publishing import Publishing
from serve.settings import ServiceSettings
from serve.tokens import ValidTokens

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_NUM_QUICK, _NUM_SLOW, _NUM_TEXTS = 8, 4, 4
_LOOK_SECONDS = 1.0


class Service:
    """What routes work with. Look-ups and draws have threads of their own, so that slow work cannot hold them up."""

    def __init__(self, settings: ServiceSettings) -> None:
        remove_abandoned()
        self.settings = settings
        self.tokens = ValidTokens(settings.tokens, settings.tokens_file, settings.lasting_tokens)
        self.metrics = Metrics()
        self.catalog = SnapshotCatalog(Location(settings.snapshot), self._open, self._switched)
        self.publishing = Publishing(self.catalog, settings.limits.ids)
        self.comparisons = Comparisons()
        self._encoders = Encoders(settings.encoder, settings.device, settings.threads)
        self._quick = ThreadPoolExecutor(_NUM_QUICK, "kat-ray-quick")
        self._slow = ThreadPoolExecutor(_NUM_SLOW, "kat-ray-slow")
        self._texts = ThreadPoolExecutor(_NUM_TEXTS, "kat-ray-texts")
        self._rare = ThreadPoolExecutor(1, "kat-ray-rare")

    def exposures(self) -> Exposures:
        """Reports of runs, beside the snapshots; may ask the store whether it is one."""
        store = self.catalog.store
        return Exposures(store.location if store is not None else None, self.settings.limits.exposures)

    async def quick(
        self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """Do work of milliseconds in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._quick, lambda: work(*args, **kwargs))

    async def slow(
        self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """Do work of seconds at most in one of few threads."""
        return await asyncio.get_running_loop().run_in_executor(self._slow, lambda: work(*args, **kwargs))

    async def texts(
        self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """Embed texts or search for them: seconds each and often, so that other slow work does not wait for it."""
        return await asyncio.get_running_loop().run_in_executor(self._texts, lambda: work(*args, **kwargs))

    async def rare(
        self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """Do work of many seconds, one at a time, so that it takes no thread from the rest."""
        return await asyncio.get_running_loop().run_in_executor(self._rare, lambda: work(*args, **kwargs))

    async def follow(self) -> None:
        """Look at the token file and at the store now and then, for ever."""
        while True:
            await asyncio.sleep(self.settings.refresh_seconds)
            await self.look()

    async def look(self) -> bool:
        """Look at the token file and at the store once; whether the snapshot changed."""
        await asyncio.to_thread(self.tokens.refresh)
        changed = await asyncio.to_thread(self.catalog.refresh)
        outcome = "failed" if self.catalog.problem is not None else "switched" if changed else "unchanged"
        self.metrics.refreshes.labels(outcome).inc()
        return changed

    async def find_first(self, seconds: float) -> None:
        """Look at the store until a snapshot is open; at once when one is.

        Raises:
            ResourceError: none could be opened for so many seconds; with the reason.
        """
        deadline = time.monotonic() + seconds
        while not (self.catalog.is_ready or await self.look()):
            if time.monotonic() > deadline:
                raise ResourceError(f"No snapshot can be opened. {self.catalog.problem}")
            await asyncio.sleep(_LOOK_SECONDS)

    def _open(self, snapshot_id: str | None) -> ServedSnapshot:
        settings = self.settings
        location = Location(settings.snapshot)
        return ServedSnapshot.open(location, snapshot_id, self._encoders, settings.device, settings.limits)

    def _switched(self, old: ServedSnapshot | None, new: ServedSnapshot) -> None:
        manifest = new.snapshot.manifest
        self.metrics.switches.inc(0 if old is None else 1)
        self.metrics.show_snapshot(manifest.snapshot_id, manifest.created_at)
