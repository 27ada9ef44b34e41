"""How answers are put together: JSON that names its snapshot, bytes and files with ETags, and what the API description
says of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import orjson
from fastapi import Depends, Query, Request
from fastapi.responses import FileResponse, Response

from serve.asgi import JSON_TYPE
from serve.messages.common import SNAPSHOT, SnapshotId
from serve.refusals import RefusedError
from serve.security import HOLDER_KEY
from serve.served import ServedSnapshot
from serve.service import Service
from serve.services.columns import StoredFile
from serve.tokens import Holder

BYTES = "application/octet-stream"
SNAPSHOT_HEADER = "X-Snapshot-Id"
CHECKSUM_HEADER = "X-Checksum-Blake2b"

Documented: TypeAlias = dict[int | str, dict[str, Any]]

PROBLEM = {JSON_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
"""For the API description: the form of every refusal."""

_FOREVER = "private, max-age=31536000, immutable"
_ASK_AGAIN = "private, no-cache"
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FROM = {SNAPSHOT_HEADER: {"description": "The snapshot that was answered from.", "schema": {"type": "string"}}}
_TAGGED = _FROM | {"ETag": {"description": "Send it back as If-None-Match.", "schema": {"type": "string"}}}


def service_of(request: Request) -> Service:
    """What this process serves."""
    service: Service = request.app.state.service
    return service


def holder_of(request: Request) -> Holder | None:
    """Whose token the request came with; None where the service has no tokens."""
    holder: Holder | None = request.scope.get(HOLDER_KEY)
    return holder


ServiceOf = Annotated[Service, Depends(service_of)]
HolderOf = Annotated[Holder | None, Depends(holder_of)]


Asked = Annotated[
    SnapshotId | None,
    Query(description="Answer from this snapshot instead of the current one.", examples=[SNAPSHOT]),
]
"""The snapshot that a request names."""


async def pinned(service: ServiceOf, snapshot: Asked = None) -> ServedSnapshot:
    """The snapshot that a request names, or the current one."""
    if snapshot is None:
        return service.catalog.current()
    if (held := service.catalog.held(snapshot)) is not None:
        return held
    return await service.slow(service.catalog.get, snapshot)


Pinned = Annotated[ServedSnapshot, Depends(pinned)]
"""The one snapshot that a request is answered from."""


def dump(served: ServedSnapshot, content: Mapping[str, Any]) -> Response:
    """An answer in JSON, naming its snapshot in the body and in a header."""
    data = orjson.dumps({"snapshot_id": served.snapshot_id, **content}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(data, media_type=JSON_TYPE, headers={SNAPSHOT_HEADER: served.snapshot_id})


def wants(request: Request, media_type: str) -> bool:
    """Whether the client names this form among those that it accepts."""
    accepted = request.headers.get("accept", "").lower()
    return any(part.partition(";")[0].strip() == media_type for part in accepted.split(","))


def tagged(request: Request, served: ServedSnapshot, tag: str, **headers: str) -> tuple[dict[str, str], bool]:
    """Headers of an answer that a client may keep (for ever when it named the snapshot), and whether it has it already.

    `headers` have _ for -.
    """
    etag = f'"{tag}"'
    asked = request.headers.get("if-none-match", "")
    known = [one.strip().removeprefix("W/") for one in asked.split(",")]
    told = {
        SNAPSHOT_HEADER: served.snapshot_id,
        "ETag": etag,
        "Cache-Control": _FOREVER if "snapshot" in request.query_params else _ASK_AGAIN,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return told, etag in known or known == ["*"]


def bytes_answer(request: Request, served: ServedSnapshot, data: bytes, tag: str, media_type: str) -> Response:
    """Bytes, whole or in the one range that is asked for, or 304 for a client that has them.

    Raises:
        RefusedError: the range begins behind the end.
    """
    headers, is_known = tagged(request, served, tag, Accept_Ranges="bytes")
    if is_known:
        return Response(None, 304, headers)
    part = _asked_range(request, len(data)) if request.headers.get("if-range") in (None, headers["ETag"]) else None
    if part is None:
        return Response(data, 200, headers, media_type)
    first, last = part
    headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
    return Response(data[first : last + 1], 206, headers, media_type)


class HeldFile(FileResponse):
    """A file, whole or in one range, whose snapshot stays open until it is sent."""

    chunk_size = 1 << 20

    def __init__(self, served: ServedSnapshot, file: StoredFile, media_type: str, headers: dict[str, str]) -> None:
        super().__init__(file.path, headers=headers, media_type=media_type)
        self._served = served


def heed_range(request: Request, size: int) -> None:
    """Let the header Range stand where it is one range of the file; several, or a malformed one, are passed over and
    the whole file is sent, as HTTP allows.

    Raises:
        RefusedError: the range begins behind the end.
    """
    if _asked_range(request, size) is None:
        request.scope["headers"] = [(name, value) for name, value in request.scope["headers"] if name != b"range"]


def _asked_range(request: Request, size: int) -> tuple[int, int] | None:
    """The first and the last byte of the one range that is asked for; None for the whole.

    Raises:
        RefusedError: the range begins behind the end.
    """
    found = _RANGE.fullmatch(request.headers.get("range", "").strip())
    first, last = found.groups() if found else ("", "")
    if not (first or last) or (first and last and int(first) > int(last)):
        return None
    if (first and int(first) >= size) or (not first and int(last) == 0):
        raise RefusedError(
            416,
            f"The range begins behind the end of the file, which has {size:,} bytes.",
            headers={"Content-Range": f"bytes */{size}"},
        )
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last or size), size - 1)


def problems(*statuses: int) -> Documented:
    """For the API description: refusals that a route has besides those of every route."""
    return {status: {"content": PROBLEM, "description": _DESCRIPTIONS[status]} for status in statuses}


def binary(media_type: str, description: str, is_tagged: bool = True) -> Documented:
    """For the API description: an answer that is also, or only, in bytes; with an ETag where it has one."""
    headers = _TAGGED if is_tagged else _FROM
    return {200: {"content": {media_type: _BINARY}, "description": description, "headers": headers}}


def text(media_type: str, description: str, example: str) -> Documented:
    """For the API description: an answer in text."""
    schema = {"type": "string", "examples": [example]}
    return {200: {"content": {media_type: {"schema": schema}}, "description": description}}


PART: Documented = {206: {"description": "The range of it that the header Range asked for."}}
"""For the API description: an answer of which a range may be asked for."""
HTML_PAGE: Documented = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "A page of HTML."}
}
NOT_MODIFIED: Documented = {304: {"description": "The client has it already.", "headers": _TAGGED}}

_DESCRIPTIONS = {
    404: "There is no such thing in this snapshot, or no such snapshot.",
    409: "The request is right, but not for this snapshot or this service.",
    415: "The body is of another media type.",
    416: "The range lies behind the end.",
}
