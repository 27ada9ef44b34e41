"""Where a weight table comes from: a service, through the cache of this machine, or a snapshot that is read directly.

Knows how to get the current table and one of a given id; nothing of when to look for a newer one or of how old is too
old.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kat_ray.client.cache import Version, WeightCache
from kat_ray.client.transport import Transport
from kat_ray.errors import InputError, ServiceRefusedError, ServiceUnavailableError, SnapshotDamagedError, SnapshotError
from kat_ray.snapshot.column_record import SNAPSHOT_ID
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import MANIFEST_NAME, Store, read_manifest
from kat_ray.snapshot.weight_table import WeightTable
from kat_ray.snapshot.wire import ARROW_FILE
from kat_ray.storage import Location

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Held:
    """A table in use, and its version in the cache when it comes from there."""

    table: WeightTable
    version: Version | None = None


class Source(Protocol):
    """A place with a current table."""

    @property
    def name(self) -> str:
        """For messages, without secrets."""

    def fetch(self, snapshot_id: str | None, held: Held | None) -> Held:
        """The current table, or that of one snapshot; `held` itself when it is the one.

        Raises:
            KatRayError: there is none to be had; OSError from some filesystems.
        """

    def reopen(self, snapshot_id: str, version: Version | None) -> Held:
        """A table that another process held, without the network when this machine has it."""

    def remember(self, version: Version, checked_at: float, *, is_current: bool) -> None:
        """Note for the time when the source is away that it has this version, and whether as its current one."""

    def last_good(self, snapshot_id: str | None) -> tuple[Held, float] | None:
        """What the cache has for a source that is away, and when it was last confirmed (seconds since 1970)."""


@dataclass(frozen=True, slots=True)
class ServiceSource:
    """A service. One small request tells whether a table of the cache is still the right one."""

    transport: Transport
    cache: WeightCache

    @property
    def name(self) -> str:
        """The service."""
        return self.transport.name

    def fetch(self, snapshot_id: str | None, held: Held | None) -> Held:
        """See `Source.fetch`."""
        known = [version.checksum for version in self.cache.versions(snapshot_id)]
        if held is not None and held.version is not None and snapshot_id in (None, held.version.snapshot_id):
            known.append(held.version.checksum)
        for _ in range(_TRIES):
            answer = self.transport.request("GET", _path(snapshot_id), headers=_asking(known))
            version = _version(answer.headers, self.name)
            if snapshot_id not in (None, version.snapshot_id):
                raise SnapshotDamagedError(
                    f"{self.name} was asked for snapshot {snapshot_id}, but gives {version.snapshot_id}."
                )
            if answer.status != 304:
                try:
                    return Held(self.cache.add(version, answer.body), version)
                except SnapshotDamagedError as error:
                    damage = error  # on its way, most likely: another try
            elif held is not None and held.version == version:
                return held
            elif (table := self.cache.open(version)) is not None:
                return Held(table, version)
            else:
                damage = SnapshotDamagedError(f"The cached weights of snapshot {version.snapshot_id} were altered.")
            known = []
        raise damage

    def reopen(self, snapshot_id: str, version: Version | None) -> Held:
        """See `Source.reopen`."""
        table = None if version is None else self.cache.open(version)
        return self.fetch(snapshot_id, None) if table is None else Held(table, version)

    def remember(self, version: Version, checked_at: float, *, is_current: bool) -> None:
        """See `Source.remember`."""
        _remember(self.cache, self.name, version, checked_at, is_current)

    def last_good(self, snapshot_id: str | None) -> tuple[Held, float] | None:
        """See `Source.last_good`."""
        return _last_good(self.cache, self.name, snapshot_id)


@dataclass(frozen=True, slots=True)
class StoreSource:
    """A store or a snapshot folder at a URI. Files of this machine are mapped; tables of a remote one are cached."""

    location: Location
    cache: WeightCache

    @property
    def name(self) -> str:
        """The place."""
        return str(self.location)

    def fetch(self, snapshot_id: str | None, held: Held | None) -> Held:
        """See `Source.fetch`. Every byte is checked against the manifest."""
        try:
            wanted = snapshot_id or self._current()
            if held is not None and held.table.snapshot_id == wanted:
                return held
            return self._local(wanted) if self.location.is_local else self._remote(wanted)
        except (InputError, OSError) as error:
            if self.location.is_local or not isinstance(error.__cause__ or error, OSError):
                raise
            raise ServiceUnavailableError(f"{self.name} is not available. {error}") from error

    def reopen(self, snapshot_id: str, version: Version | None) -> Held:
        """See `Source.reopen`."""
        table = None if version is None else self.cache.open(version)
        return self.fetch(snapshot_id, None) if table is None else Held(table, version)

    def remember(self, version: Version, checked_at: float, *, is_current: bool) -> None:
        """See `Source.remember`."""
        _remember(self.cache, self._key, version, checked_at, is_current)

    def last_good(self, snapshot_id: str | None) -> tuple[Held, float] | None:
        """See `Source.last_good`."""
        return _last_good(self.cache, self._key, snapshot_id)

    @property
    def _key(self) -> str:
        """The place for the cache: with its endpoint, without credentials."""
        return f"the store at {self.location.shareable}"

    def _local(self, snapshot_id: str) -> Held:
        snapshot = Snapshot.open(self.location, snapshot_id)
        snapshot.verify("prompts", "weights", "density_percentile")
        return Held(WeightTable.from_snapshot(snapshot))

    def _remote(self, snapshot_id: str) -> Held:
        found = self.last_good(snapshot_id)
        if found is not None:
            return found[0]
        data = self._local(snapshot_id).table.to_bytes()
        version = Version(snapshot_id, hashlib.blake2b(data, digest_size=32).hexdigest())
        return Held(self.cache.add(version, data), version)

    def _current(self) -> str:
        if (self.location / MANIFEST_NAME).exists():
            return read_manifest(self.location).snapshot_id
        return Store(self.location).current()


def require_snapshot_id(snapshot_id: str | None) -> None:
    """Refuse what cannot be an id before it becomes part of a request.

    Raises:
        InputError: it is neither None nor 16 hex digits.
    """
    if snapshot_id is not None and not SNAPSHOT_ID.fullmatch(snapshot_id):
        raise InputError(f"{snapshot_id[:80]!r} is not a snapshot id; expected 16 hex digits.")


def is_final(error: Exception, snapshot_id: str | None) -> bool:
    """Whether the service itself says no; a proxy before one that is away answers 404 too, or leads elsewhere."""
    if not isinstance(error, ServiceRefusedError):
        return False
    return error.status in (401, 403) or (error.status == 404 and error.is_own and snapshot_id is not None)


def _remember(cache: WeightCache, key: str, version: Version, checked_at: float, is_current: bool) -> None:
    cache.remember(f"{key} {version.snapshot_id}", version, checked_at)
    if is_current:
        cache.remember(key, version, checked_at)


def _last_good(cache: WeightCache, key: str, snapshot_id: str | None) -> tuple[Held, float] | None:
    note = cache.recall(key if snapshot_id is None else f"{key} {snapshot_id}")
    table = None if note is None else cache.open(note.version)
    return None if note is None or table is None else (Held(table, note.version), note.checked_at)


def _path(snapshot_id: str | None) -> str:
    return "/v1/weights" if snapshot_id is None else f"/v1/weights?snapshot={snapshot_id}"


def _asking(known: list[str]) -> dict[str, str]:
    tags = ", ".join(f'"{checksum}"' for checksum in dict.fromkeys(known))
    return {"accept": ARROW_FILE} | ({"if-none-match": tags} if tags else {})


def _version(headers: Mapping[str, str], name: str) -> Version:
    """The version that an answer names; its ETag is the checksum."""
    tag = headers.get("etag", "").removeprefix("W/").strip('"')
    try:
        return Version(headers.get("x-snapshot-id", ""), headers.get("x-checksum-blake2b", tag))
    except SnapshotError as error:
        raise SnapshotDamagedError(f"{name} does not answer like a service of KAT-Ray. {error}") from None
