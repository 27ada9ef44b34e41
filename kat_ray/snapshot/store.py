"""A folder of published snapshots and the pointer to the current one.

    <store>/<snapshot id>/…   columns, and manifest.json written last: a folder without it is not a snapshot
    <store>/current           {"snapshot_id": …}, replaced as a whole

A published snapshot never changes. Work in progress lies elsewhere on the same filesystem until `publish` moves it in;
at every moment `current` names a whole snapshot or there is none. One publisher at a time may work on one id.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pyarrow import fs

from kat_ray.errors import SnapshotDamagedError, SnapshotError, SnapshotMismatchError, SnapshotNotFoundError
from kat_ray.snapshot.column_files import file_sizes, verify_sizes
from kat_ray.snapshot.column_record import SNAPSHOT_ID, ColumnRecord, record_column
from kat_ray.snapshot.manifest import Manifest
from kat_ray.storage import Location

MANIFEST_NAME = "manifest.json"
_CURRENT_NAME = "current"


@dataclass(frozen=True, slots=True)
class PublishResult:
    """What became of a build.

    "published": it is now in the store. "recognized": the store had it, byte for byte. "kept_first": the store had
    this id with other bytes, which stay; `differing` names the columns. The build's files are moved only when
    published.
    """

    snapshot_id: str
    status: Literal["published", "recognized", "kept_first"]
    differing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """A snapshot in a store."""

    snapshot_id: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Store:
    """Snapshots below one location, local or in an object store."""

    location: Location

    def folder(self, snapshot_id: str) -> Location:
        """Where a snapshot lies, whether or not it exists.

        Raises:
            SnapshotNotFoundError: the id is not 16 hex digits, so it names no snapshot.
        """
        if not SNAPSHOT_ID.fullmatch(snapshot_id):
            raise SnapshotNotFoundError(f"{snapshot_id[:80]!r} is not a snapshot id; expected 16 hex digits.")
        return self.location / snapshot_id

    def publish(self, work: Location, manifest: Manifest) -> PublishResult:
        """Move the column files of `work` in, then the manifest, then make it the current snapshot in every case.

        After a crash the same call completes what was begun: files that were already moved are found by checksum.

        Raises:
            SnapshotMismatchError: a column file is missing or has another size than its record; nothing changes.
            SnapshotDamagedError: the manifest is not valid.
        """
        data = _checked_bytes(manifest)
        folder = self.folder(manifest.snapshot_id)
        first = self._whole_manifest(manifest.snapshot_id)
        if first is None:
            _move_columns(work, folder, manifest)
            (folder / MANIFEST_NAME).write_bytes(data)
        self._point_to(manifest.snapshot_id)
        return _result(first, manifest)

    def complete(self, manifest: Manifest) -> PublishResult:
        """Write the manifest of a snapshot whose column files are all in their folders; `current` stays as it is.

        Raises:
            SnapshotDamagedError: a file is missing or has another size, or the manifest is not valid; nothing changes.
        """
        data = _checked_bytes(manifest)
        first = self._whole_manifest(manifest.snapshot_id)
        if first is None:
            folder = self.folder(manifest.snapshot_id)
            verify_sizes(folder, manifest.columns)
            (folder / MANIFEST_NAME).write_bytes(data)
        return _result(first, manifest)

    def current(self) -> str:
        """Id of the current snapshot.

        Raises:
            SnapshotNotFoundError: nothing was published here.
            SnapshotDamagedError: the pointer is not one of ours.
        """
        pointer = self.location / _CURRENT_NAME
        if pointer.info().type != fs.FileType.File:
            raise SnapshotNotFoundError(
                f"There is no snapshot at {self.location}; build one with "
                f"`python -m jobs.build --pairs FILE --out {self.location}`."
            )
        try:
            content = json.loads(pointer.read_bytes())
            snapshot_id = str(content["snapshot_id"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise SnapshotDamagedError(f"{pointer} does not name a snapshot.") from error
        if not SNAPSHOT_ID.fullmatch(snapshot_id):
            raise SnapshotDamagedError(f"{pointer} names {snapshot_id[:80]!r}, expected 16 hex digits.")
        return snapshot_id

    def holds(self, snapshot_id: str) -> bool:
        """Whether there is a snapshot of this id whose files all have their sizes."""
        return self._whole_manifest(snapshot_id) is not None

    def set_current(self, snapshot_id: str) -> None:
        """Make a published snapshot the current one.

        Raises:
            SnapshotError: there is no snapshot of this id, or it is damaged; the pointer stays.
        """
        verify_sizes(self.folder(snapshot_id), self.manifest(snapshot_id).columns)
        self._point_to(snapshot_id)

    def list(self) -> list[StoreEntry]:
        """All snapshots, newest first. Folders without a readable manifest are no snapshots and are left out."""
        names = [name for name, info in self.location.children() if info.type == fs.FileType.Directory]
        entries = [entry for name in names if SNAPSHOT_ID.fullmatch(name) and (entry := self._entry(name))]
        return sorted(entries, key=lambda entry: (datetime.fromisoformat(entry.created_at), entry.snapshot_id))[::-1]

    def manifest(self, snapshot_id: str) -> Manifest:
        """The manifest of one snapshot.

        Raises:
            SnapshotNotFoundError: there is no such snapshot.
            SnapshotDamagedError: its manifest is not valid or belongs to another id.
        """
        manifest = read_manifest(self.folder(snapshot_id))
        if manifest.snapshot_id != snapshot_id:
            raise SnapshotDamagedError(
                f"The folder {snapshot_id} holds snapshot {manifest.snapshot_id}; it was renamed."
            )
        return manifest

    def _entry(self, snapshot_id: str) -> StoreEntry | None:
        try:
            return StoreEntry(snapshot_id, self.manifest(snapshot_id).created_at)
        except SnapshotError:
            return None

    def _whole_manifest(self, snapshot_id: str) -> Manifest | None:
        """The manifest of a snapshot whose files all have their sizes; None when there is no such snapshot."""
        try:
            manifest = self.manifest(snapshot_id)
            verify_sizes(self.folder(snapshot_id), manifest.columns)
        except SnapshotError:
            return None
        return manifest

    def _point_to(self, snapshot_id: str) -> None:
        (self.location / _CURRENT_NAME).write_bytes(json.dumps({"snapshot_id": snapshot_id}).encode() + b"\n")


def read_manifest(folder: Location) -> Manifest:
    """The manifest of one snapshot folder.

    Raises:
        SnapshotNotFoundError: the folder has no manifest, so it is not a snapshot.
        SnapshotDamagedError: the manifest is not valid.
    """
    file = folder / MANIFEST_NAME
    if file.info().type != fs.FileType.File:
        raise SnapshotNotFoundError(f"There is no snapshot at {folder}: it has no {MANIFEST_NAME}.")
    return Manifest.from_json(file.read_bytes())


def _checked_bytes(manifest: Manifest) -> bytes:
    data = manifest.to_json()
    Manifest.from_json(data)
    return data


def _result(first: Manifest | None, second: Manifest) -> PublishResult:
    """What became of a snapshot that the store did not have, or had as `first`."""
    if first is None:
        return PublishResult(second.snapshot_id, "published")
    differing = _differing(first, second)
    return PublishResult(second.snapshot_id, "kept_first" if differing else "recognized", differing)


def _move_columns(work: Location, folder: Location, manifest: Manifest) -> None:
    """All files are checked before the first is moved; a manifest of a damaged snapshot goes first."""
    here, there = file_sizes(work), file_sizes(folder)
    waiting = [record for record in manifest.columns if here.get(record.file) == record.bytes]
    for record in manifest.columns:
        if record not in waiting and not (record.file in there and _is_moved(folder, record)):
            raise SnapshotMismatchError(
                f"Cannot publish {manifest.snapshot_id}: {record.file} has {here.get(record.file, 0):,} bytes in "
                f"{work}, expected {record.bytes:,}. Run the build again."
            )
    (folder / MANIFEST_NAME).delete()
    for record in waiting:
        (work / record.file).move_to(folder / record.file)


def _is_moved(folder: Location, record: ColumnRecord) -> bool:
    return record_column(record.name, folder / record.file) == record


def _differing(first: Manifest, second: Manifest) -> tuple[str, ...]:
    ours = {record.name: record.checksum for record in first.columns}
    theirs = {record.name: record.checksum for record in second.columns}
    return tuple(sorted(name for name in ours | theirs if ours.get(name) != theirs.get(name)))
