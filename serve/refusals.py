"""The one error that services raise for a request they do not answer: a status of HTTP and a sentence for its author.

A sentence never repeats what was asked: no text, no ids, no tokens. Nor does it say where the store is.
"""

from __future__ import annotations

from collections.abc import Mapping

from kat_ray.errors import KatRayError, SnapshotError, StorageUnavailableError

_STORE_RETRY_SECONDS = 2


class RefusedError(KatRayError):
    """A request that is not answered. Example: RefusedError(404, "Snapshot 00c0ffee00c0ffee has no such prompt.")"""

    def __init__(
        self,
        status: int,
        sentence: str,
        retry_seconds: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = dict(headers or {})
        if retry_seconds is not None:
            self.headers["Retry-After"] = str(retry_seconds)


def is_outage(error: BaseException) -> bool:
    """Whether files that cannot be reached are behind an error; its message holds paths and is for the log alone."""
    unread = isinstance(error, SnapshotError) and isinstance(error.__cause__, OSError)
    return unread or isinstance(error, OSError | StorageUnavailableError)


def store_unavailable() -> RefusedError:
    """The refusal of whatever needs a store that does not answer."""
    return RefusedError(503, "The store cannot be reached now; try again soon.", _STORE_RETRY_SECONDS)
