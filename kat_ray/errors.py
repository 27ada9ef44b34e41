"""Every error that KAT-Ray raises on purpose.

    KatRayError
    ├── InputError            a file, row or option that cannot be used
    │   ├── RowError          one row of the input; the reason goes into the rejects
    │   ├── EmptyCorpusError  nothing valid is left to work on
    │   └── StorageUnavailableError  a store that does not answer; it may come back
    ├── EncoderError          a model that is missing, unknown or not the one named
    ├── ResourceError         hardware or shared storage that was asked for and is not there
    ├── SamplingError         a draw that the weights do not allow
    ├── SnapshotError         a snapshot that cannot be used
    │   ├── SnapshotNotFoundError
    │   ├── SnapshotDamagedError   half written, altered, or not ours
    │   └── SnapshotMismatchError  columns of different runs
    └── ServiceError          a service that does not give what was asked for
        ├── ServiceUnavailableError  no answer, or none in time; it may come back
        ├── ServiceRefusedError      it answered no, with its own sentence
        └── StaleWeightsError        weights older than the user allows

A message says what is wrong, what was got, what was expected and what to do next.
"""


class KatRayError(Exception):
    """Base of all; jobs print its message as one sentence and exit with 1."""


class InputError(KatRayError):
    """A file, row or option that cannot be used."""


class RowError(InputError):
    """One row cannot become a pair; the message is the reason kept with the reject."""


class EmptyCorpusError(InputError):
    """No valid row is left."""


class StorageUnavailableError(InputError):
    """A path or bucket cannot be reached now."""


class EncoderError(KatRayError):
    """An encoder is unknown, or its files are missing or altered."""


class ResourceError(KatRayError):
    """Asked-for hardware or shared storage is not there."""


class SamplingError(KatRayError):
    """A draw that the weights do not allow."""


class SnapshotError(KatRayError):
    """A snapshot that cannot be used."""


class SnapshotNotFoundError(SnapshotError):
    """There is no snapshot at the URI."""


class SnapshotDamagedError(SnapshotError):
    """The snapshot is half written, altered, or not one of ours."""


class SnapshotMismatchError(SnapshotError):
    """Columns come from different runs."""


class ServiceError(KatRayError):
    """A service does not give what was asked for."""


class ServiceUnavailableError(ServiceError):
    """The service gave no answer, or was too busy for one, through all tries; it may come back."""


class ServiceRefusedError(ServiceError):
    """The service refused the request, so that trying again is no use; the message holds its own sentence.

    `status` is that of the answer, 0 without one; `is_own` tells that the answer had the form of the service, so that
    no proxy gave it in its place.
    """

    def __init__(self, message: str, status: int = 0, *, is_own: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.is_own = is_own


class StaleWeightsError(ServiceError):
    """The weights were not confirmed for longer than the user allows."""


def first_line(error: BaseException) -> str:
    """What a foreign error says, as part of a sentence: its first line, or its name when it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
