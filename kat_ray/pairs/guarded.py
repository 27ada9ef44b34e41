"""A file for Parquet readers in which a failing disk or network cannot be mistaken for damaged data.

Arrow reports both as OSError. Here a storage failure surfaces as ResourceError, so that a task is retried instead of
rows being rejected. Knows nothing of Parquet.
"""

from __future__ import annotations

import pyarrow as pa

from kat_ray.errors import ResourceError
from kat_ray.storage import Location


class GuardedFile:
    """Random access to an open Arrow file, in the form that `pyarrow.PythonFile` wants; errors name its location."""

    def __init__(self, stream: pa.NativeFile, location: Location) -> None:
        self._stream = stream
        self._location = location

    @property
    def closed(self) -> bool:
        """Whether the file underneath is closed."""
        return bool(self._stream.closed)

    def read(self, num_bytes: int = -1) -> bytes:
        """Up to so many bytes from the position on; all when negative.

        Raises:
            ResourceError: when the storage fails.
        """
        try:
            return bytes(self._stream.read(None if num_bytes < 0 else num_bytes))
        except OSError as error:
            raise ResourceError(
                f"Reading {self._location} failed: {error}; run the same command again to go on."
            ) from error

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the position and return it."""
        return int(self._stream.seek(offset, whence))

    def tell(self) -> int:
        """The position."""
        return int(self._stream.tell())

    def close(self) -> None:
        """Close the file underneath."""
        self._stream.close()
