"""Where the file of each column lies, and whether it has its size.

Most lie in the folder of their snapshot. One that was edited from another shares the columns that the edit left as they
were: they lie in the folder of their owner, beside its own in the store.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyarrow import fs

from kat_ray.errors import SnapshotDamagedError
from kat_ray.snapshot.column_record import ColumnRecord
from kat_ray.storage import Location


def column_folder(folder: Location, record: ColumnRecord) -> Location:
    """The folder that holds a column of the snapshot in `folder`."""
    return folder if record.owner is None else folder.sibling(record.owner)


def column_file(folder: Location, record: ColumnRecord) -> Location:
    """The file of a column of the snapshot in `folder`."""
    return column_folder(folder, record) / record.file


def file_sizes(folder: Location) -> dict[str, int]:
    """Size in bytes of every file in a folder, by one listing."""
    return {name: info.size for name, info in folder.children() if info.type == fs.FileType.File}


def verify_sizes(folder: Location, records: Sequence[ColumnRecord]) -> None:
    """Refuse columns of which a file is missing or has another size, by one listing a folder.

    Raises:
        SnapshotDamagedError: naming the file, and the snapshot that it belongs to when that is another one.
    """
    folders = {record.owner: column_folder(folder, record) for record in records}
    sizes = {owner: file_sizes(place) for owner, place in folders.items()}
    for record in records:
        _verify_size(record, sizes[record.owner].get(record.file))


def _verify_size(record: ColumnRecord, size: int | None) -> None:
    remedy = "Build the snapshot again."
    if record.owner is not None:
        remedy = f"It belongs to snapshot {record.owner}, from which this one was edited; put it back into the store."
    if size is None:
        raise SnapshotDamagedError(f"{record.file} is missing. {remedy}")
    if size != record.bytes:
        raise SnapshotDamagedError(
            f"{record.file} has {size:,} bytes, the manifest says {record.bytes:,}; it was cut or altered. {remedy}"
        )
