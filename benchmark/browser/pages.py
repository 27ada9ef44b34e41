"""The pages of viewer/benchmark, built, and shown as if the service had them: their data are the service's own."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

from playwright.sync_api import Page, Route

from benchmark.figures.machine import ROOT
from kat_ray.errors import ResourceError

_VIEWER = ROOT / "viewer"
_BUILT = _VIEWER / "benchmark" / "dist"
_FOLDER = "/benchmark/"
_BUILD_SECONDS = 300


@cache
def built_pages() -> Path:
    """The folder of the built pages; the viewer is brought up to date too.

    Raises:
        ResourceError: they cannot be built; with what the build said.
    """
    _run(sys.executable, "build_hook.py", "--tools")
    _run("npx", "--no-install", "vite", "build", "--config", "benchmark/vite.config.ts", "--logLevel", "error")
    return _BUILT


def open_page(page: Page, service: str, name: str) -> Page:
    """Go to a page, such as "seeds", at the address of the service."""
    folder = built_pages()

    def answer(route: Route) -> None:
        route.fulfill(path=folder / route.request.url.partition(_FOLDER)[2])

    page.route(f"{service}{_FOLDER}**", answer)
    page.goto(f"{service}{_FOLDER}{name}.html")
    return page


def _run(*command: str) -> None:
    try:
        subprocess.run(command, cwd=_VIEWER, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=True)  # noqa: S603
    except FileNotFoundError as error:
        raise ResourceError(f"The benchmark's pages are built with Node.js 20 or newer and npm: {error}.") from error
    except subprocess.CalledProcessError as error:
        raise ResourceError(f"The benchmark's pages cannot be built: {error.stdout}{error.stderr}") from error
