"""Which Chromium is driven by tests and benchmark: one that is there, else Playwright's own, else the system's package.

python -m benchmark.browser.chromium      says which, and installs one where there is none; exits with 1 where it cannot
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",  # WebGL in software, the same on every machine
    "--enable-unsafe-swiftshader",
    "--force-device-scale-factor=1",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
NO_BROWSER = (
    "There is no Chromium, and none could be installed. Name one in the variable CHROMIUM, or run: "
    "python -m playwright install --with-deps chromium"
)
_VARIABLE = "CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_INSTALL_SECONDS = 600


def find_browser() -> Path | None:
    """A Chromium that is there: named, on the PATH, or Playwright's own."""
    if named := os.environ.get(_VARIABLE):
        return Path(found) if (found := shutil.which(named)) else None
    on_path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if on_path is not None:
        return Path(on_path)
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.exists() else None


def provide_browser() -> Path | None:
    """A Chromium, installed where there is none; None where that failed."""
    found = find_browser()
    if found is None and _VARIABLE not in os.environ:
        _try(sys.executable, "-m", "playwright", "install", "chromium")
        found = find_browser()
        if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
            _try("apt-get", "update", "-qq")
            _try("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")
            found = find_browser()
    return found


def _try(*command: str) -> None:
    """What goes wrong is told, and the next way is tried."""
    print("No Chromium yet:", *command, file=sys.stderr)
    try:
        subprocess.run(command, check=False, stdout=sys.stderr, timeout=_INSTALL_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        print(error, file=sys.stderr)


if __name__ == "__main__":
    browser = provide_browser()
    print(f"The browser is {browser}." if browser else NO_BROWSER, file=sys.stderr)
    raise SystemExit(browser is None)
