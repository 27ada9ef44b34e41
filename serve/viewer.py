"""Where the built viewer is, and what a browser is shown where there is none. Knows nothing of HTTP."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

NO_VIEWER = (
    "3D visualization not found. The viewer is not built: run `make viewer` at the top of the checkout, which needs "
    "Node.js 20 or newer, then load this page again."
)

_CHECKOUT = Path(__file__).resolve().parents[1] / "viewer" / "dist"
_PAGE = "index.html"
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 20vh auto; padding: 0 1.5rem; color: #1d2430; }
code { font: 15px/1.4 ui-monospace, monospace; background: #eef0f3; padding: .1rem .3rem; border-radius: 4px; }
@media (prefers-color-scheme: dark) { body { color: #e4e8ee; background: #12161d; } code { background: #232a35; } }
"""

MISSING_STYLE = f"sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}"
"""The style of the page that says that there is no viewer, as a content security policy names it."""


def find_viewer(folder: str | None) -> Path | None:
    """The folder of the built viewer: the one that is named, else the checkout's, else the installed package's; None
    where it is not built."""
    places = (Path(folder),) if folder is not None else (_CHECKOUT, *_installed())
    return next((place for place in places if (place / _PAGE).is_file()), None)


def render_page(viewer: Path, is_below: bool) -> str:
    """The viewer's page, whose files are named relative to the folder /viz/: `is_below` when it was asked for there,
    and not as /viz beside it."""
    page = (viewer / _PAGE).read_text("utf-8")
    return page if is_below else page.replace('"./', '"viz/')


def render_missing() -> str:
    """The page that says what is missing and what to do."""
    title, _, words = NO_VIEWER.partition(". ")
    before, command, after = words.split("`")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><main>'
        f"<h1>{escape(title)}</h1><p>{escape(before)}<code>{escape(command)}</code>{escape(after)}</p></main></body></html>"
    )


@cache
def _installed() -> tuple[Path, ...]:
    """Where the wheel has it, also for a process that runs the code of a checkout."""
    try:
        return (Path(str(distribution("kat-ray").locate_file("kat_ray/viewer"))),)
    except PackageNotFoundError:
        return ()
