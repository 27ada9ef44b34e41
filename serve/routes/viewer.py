"""The viewer: its page, which holds no data, and its scripts and styles."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from serve.answers import HTML_PAGE, ServiceOf, problems, wants
from serve.refusals import RefusedError
from serve.viewer import NO_VIEWER, find_viewer, render_missing, render_page

router = APIRouter(tags=["pages"])

_HASHED = "assets/"  # names there change with what is in the file
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_HTML = "text/html"


@router.get("/", include_in_schema=False)
async def start() -> Response:
    """To the viewer; relative, so that it holds behind a prefix."""
    return RedirectResponse("viz")


@router.get("/viz", response_class=HTMLResponse, responses={**HTML_PAGE, **problems(404)})
async def viewer(request: Request, service: ServiceOf) -> Response:
    """The viewer's page, which holds no data."""
    return _page(request, find_viewer(service.settings.viewer_folder), is_below=False)


@router.get("/viz/{path:path}", include_in_schema=False)
async def viewer_file(request: Request, service: ServiceOf, path: str) -> Response:
    """Scripts and styles of the viewer."""
    folder = find_viewer(service.settings.viewer_folder)
    if folder is None or path in ("", "index.html"):
        return _page(request, folder, is_below=True)
    return await _file(request, folder, path)


def _page(request: Request, folder: Path | None, is_below: bool) -> Response:
    if folder is not None:
        return HTMLResponse(render_page(folder, is_below), headers={"Cache-Control": _ASK_AGAIN})
    if wants(request, _HTML):
        return HTMLResponse(render_missing(), 404)
    raise RefusedError(404, NO_VIEWER)


async def _file(request: Request, folder: Path, path: str) -> Response:
    """The file, as the build has compressed it for a client that takes that."""
    files, is_hashed = StaticFiles(directory=folder), path.startswith(_HASHED)
    is_packed = is_hashed and "gzip" in request.headers.get("accept-encoding", "") and (folder / f"{path}.gz").is_file()
    answer = await files.get_response(f"{path}.gz" if is_packed else path, request.scope)
    answer.headers["Cache-Control"] = _FOREVER if is_hashed else _ASK_AGAIN
    if is_hashed:
        answer.headers["Vary"] = "Accept-Encoding"
    if is_packed:
        answer.headers["Content-Encoding"] = "gzip"
    return answer
