"""Builds the viewer into viewer/dist when something that it is made of is newer, and puts it into the wheel.

    python viewer/build_hook.py              builds; exits with 1 and a sentence where Node.js is missing
    python viewer/build_hook.py --optional   the same, but goes on without a viewer where Node.js is missing
    python viewer/build_hook.py --tools      the same, and what the viewer's tests and linters need is there as well

As a hook of hatch it has the built viewer packed as kat_ray/viewer. KAT_RAY_VIEWER=optional in the environment is what
--optional is above, for machines that only train. A viewer that is built already needs no Node.js.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VIEWER = Path(__file__).resolve().parent
DIST = VIEWER / "dist"
_INSTALLED = VIEWER / "node_modules" / ".package-lock.json"
_LEAST_NODE = 20
_SOURCES = ("index.html", "package-lock.json", "package.json", "tsconfig.json", "vite.config.ts", "src")
_VARIABLE = "KAT_RAY_VIEWER"


class ViewerHook(BuildHookInterface):  # type: ignore[type-arg]
    """Packs viewer/dist as kat_ray/viewer; an editable install has the checkout's own."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatch before it packs a wheel."""
        if version != "editable" and build(os.environ.get(_VARIABLE) == "optional"):
            build_data["force_include"][str(DIST)] = "kat_ray/viewer"


def build(is_optional: bool = False, needs_tools: bool = False) -> bool:
    """Bring viewer/dist up to date; returns whether there is a viewer. One that is up to date needs no packages, unless
    they are asked for.

    Raises:
        RuntimeError: it is not there, Node.js is missing, and it is not optional.
        subprocess.CalledProcessError: npm failed; it has told why.
    """
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_up_to_date() and (not needs_tools or _has_packages()):
            return True
        if (missing := _missing()) is None:
            _run_npm()
        elif not DIST.is_dir() and not is_optional:
            hint = f"Install it, or set {_VARIABLE}=optional to do without the 3D viewer."
            raise RuntimeError(
                f"The viewer is built with Node.js {_LEAST_NODE} or newer and npm, but {missing}. {hint}"
            )
        else:
            had = "stays as it was built last" if DIST.is_dir() else "is not built; the service says so at /viz"
            _tell(f"The viewer {had}: Node.js {_LEAST_NODE} or newer and npm are needed, but {missing}.")
    return DIST.is_dir()


def _is_up_to_date() -> bool:
    page = DIST / "index.html"
    return page.exists() and page.stat().st_mtime >= _newest(VIEWER / name for name in _SOURCES)


def _newest(paths: Any) -> float:
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])]
    return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)


def _missing() -> str | None:
    """What the build lacks."""
    if not (VIEWER / "package.json").exists():
        return "this copy has no sources of it"
    if not (shutil.which("node") and shutil.which("npm")):
        return "node or npm is not on the PATH"
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607
    return None if int(told.removeprefix("v").partition(".")[0]) >= _LEAST_NODE else f"node is {told}"


def _has_packages() -> bool:
    return _INSTALLED.exists() and _INSTALLED.stat().st_mtime >= (VIEWER / "package-lock.json").stat().st_mtime


def _run_npm() -> None:
    if not _has_packages():
        _tell("Installing the packages of viewer/package-lock.json")
        _npm("ci", "--no-audit", "--no-fund", "--loglevel", "error")
        os.utime(_INSTALLED)
    if not _is_up_to_date():
        _tell("Building the viewer")
        _npm("run", "build", "--silent", "--", "--logLevel", "warn")


def _npm(*words: str) -> None:
    subprocess.run(["npm", *words], cwd=VIEWER, check=True, stdout=sys.stderr)  # noqa: S603, S607


def _tell(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


if __name__ == "__main__":
    try:
        build("--optional" in sys.argv[1:], "--tools" in sys.argv[1:])
    except (RuntimeError, subprocess.CalledProcessError) as error:
        _tell(str(error))
        sys.exit(1)
