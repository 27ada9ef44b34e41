"""How failures become answers: {"detail": sentence} with the right status, never with what was asked.

Also the innermost layer, which turns a bug into 500 and logs where it happened but not its message, since that may
quote a prompt.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from kat_ray.errors import (
    EncoderError,
    KatRayError,
    ResourceError,
    SamplingError,
    SnapshotError,
    SnapshotNotFoundError,
)
from serve.asgi import App, Message, Receive, Scope, Send, refuse
from serve.refusals import RefusedError, is_outage, store_unavailable

LOG = logging.getLogger("kat_ray.serve")

_MOST_REASONS = 3
_REASONS = {
    "extra_forbidden": "a key that is not known",
    "json_invalid": "it is not JSON that can be read",
    "model_attributes_type": "send a JSON object, with the header Content-Type: application/json",
    "missing": "it is missing",
}
_SENTENCES = {
    400: "The body is not JSON that can be read.",
    404: "There is no such route; /openapi.json lists them.",
    405: "This route has other methods; the header Allow lists them.",
    416: "The range lies outside of the file.",
}


def install(app: FastAPI) -> None:
    """Have the app answer every error of ours and of the framework in one form."""
    for kind in (KatRayError, OSError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _answer)


def describe_invalid(errors: Sequence[Mapping[str, Any]]) -> str:
    """A sentence on the first reasons that a request is not valid, without what it held; keys that are not known may
    be anything and are not repeated either."""
    reasons = [f"{_place(error)}: {_reason(error)}" for error in errors[:_MOST_REASONS]]
    more = len(errors) - len(reasons)
    return "; ".join([*reasons, *([f"and {more} more"] if more > 0 else [])]) + "."


class Failsafe:
    """Answers 500 to an error that nobody expected, and logs its kind and place."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; whatever happens, there is an answer."""
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception as error:
            if scope["type"] != "http":
                raise
            LOG.error("Unexpected %s in %s", type(error).__name__, _trace(error))
            if started:
                raise ConnectionAbortedError("The answer broke off; see the log above.") from None
            await refuse(send, 500, "The service failed at this request; its log says where.")


def _answer(request: Request, error: Exception) -> JSONResponse:
    status, sentence, headers = _read(error)
    return JSONResponse({"detail": sentence}, status, headers if status != 405 else _allowed(request))


def _allowed(request: Request) -> dict[str, str]:
    """All methods of the path that was asked for; the framework names those of the first route alone."""
    described = request.app.openapi()["paths"]
    methods = described.get(getattr(request.scope.get("route"), "path", ""), {"get": None})
    return {"Allow": ", ".join(sorted(method.upper() for method in methods))}


def _read(error: Exception) -> tuple[int, str, Mapping[str, str] | None]:
    """Status, sentence and headers."""
    match error:
        case RefusedError():
            return error.status, str(error), error.headers
        case RequestValidationError():
            return 422, describe_invalid(error.errors()), None
        case HTTPException():
            return error.status_code, _SENTENCES.get(error.status_code, str(error.detail)), error.headers
        case _:
            return _read_library_error(error)


def _read_library_error(error: Exception) -> tuple[int, str, Mapping[str, str] | None]:
    """One that no service put in words of its own; it may quote what was asked, so only some kinds speak here."""
    if is_outage(error):
        LOG.warning("The store cannot be reached: %s in %s", type(error.__cause__ or error).__name__, _trace(error))
        return _read(store_unavailable())
    if isinstance(error, SnapshotNotFoundError):
        return 404, "There is no such snapshot; GET /v1/snapshots lists them.", None
    if isinstance(error, SnapshotError | SamplingError):
        return 409, str(error), None
    LOG.error("%s in %s", type(error).__name__, _trace(error))
    if isinstance(error, EncoderError | ResourceError):
        sentence = "The encoder of this snapshot is not available here; the log of the service says why."
        return 503, sentence, {"Retry-After": "60"}
    return 422, "The request holds something that cannot be used.", None


def _place(error: Mapping[str, Any]) -> str:
    """`body.texts[3]`; without a key that is not known and without the position of broken JSON."""
    location = list(error["loc"])
    if error["type"] in ("extra_forbidden", "json_invalid"):
        location = location[:-1] or location
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _reason(error: Mapping[str, Any]) -> str:
    if error["type"] in _REASONS:
        return _REASONS[error["type"]]
    return str(error["msg"][:1].lower() + error["msg"][1:]).rstrip(".")


def _trace(error: BaseException) -> str:
    """The innermost calls, by file and line; the message of the error stays out."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " < ".join(f"{frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})" for frame in frames[::-1])
