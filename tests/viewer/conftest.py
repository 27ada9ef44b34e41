"""The built viewer in a real Chromium, over a service with its real security headers.

A page that reports an error, or asks any other host for anything, fails its test. No test sleeps or knows a pixel:
it waits for what `window.__viz` says (viewer/src/hook.ts).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from benchmark.browser.chromium import FLAGS, NO_BROWSER, provide_browser
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from tests.serve.corpus import write_store
from tests.viewer.hostile import publish_hostile
from tests.viewer.map_page import MapPage
from tests.viewer.points import Point, points_of
from tests.viewer.service import ViewerService

CHECKOUT = Path(__file__).resolve().parents[2]
Serve = Callable[..., ViewerService]
expect.set_options(timeout=20_000)
_OWN = ("http://127.0.0.1:", "data:", "blob:")


class Problems:
    """What went wrong in a page: errors, and requests to others."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._expected: list[str] = []

    def expect(self, words: str) -> None:
        """Let this test cause errors with these words, as an unanswered request does in the console."""
        self._expected.append(words)

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self._found.append(f"error: {error}"))
        page.on("console", self._hear)
        page.on("request", self._see)

    def unexpected(self) -> list[str]:
        return [one for one in self._found if not any(words in one for words in self._expected)]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._found.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _see(self, request: Request) -> None:
        if not request.url.startswith(_OWN):
            self._found.append(f"request to {request.url[:200]}")


@pytest.fixture(scope="session")
def built() -> None:
    """The viewer is built from the sources as they are."""
    command = [sys.executable, str(CHECKOUT / "viewer" / "build_hook.py"), "--tools"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        pytest.fail(f"The viewer cannot be built; run: make viewer\n{done.stdout}{done.stderr}", pytrace=False)


@pytest.fixture(scope="session")
def chromium() -> Path:
    found = provide_browser()
    if found is None:
        pytest.fail(NO_BROWSER, pytrace=False)
    return found


@pytest.fixture(scope="module")
def open_browser(chromium: Path) -> Iterator[Callable[..., Browser]]:
    """Start a Chromium with flags of one's own; all end with the module, since Playwright holds this process's event
    loop for as long as it runs."""
    with sync_playwright() as playwright:
        yield lambda *flags: playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, *flags])


@pytest.fixture(scope="module")
def browser(open_browser: Callable[..., Browser]) -> Browser:
    return open_browser()


@pytest.fixture
def problems() -> Problems:
    return Problems()


@pytest.fixture
def new_page(browser: Browser, problems: Problems, serve: Serve) -> Iterator[Callable[..., Page]]:
    """Open pages in fresh contexts (`viewport`, `color_scheme`, `has_touch` ...), by default without motion. They end
    before services do, so that none asks in vain."""
    with ExitStack() as stack:

        def open_page(of: Browser = browser, **options: Any) -> Page:
            defaults: dict[str, Any] = {"viewport": {"width": 1280, "height": 720}, "reduced_motion": "reduce"}
            context = stack.enter_context(of.new_context(**{**defaults, **options}))
            context.set_default_timeout(30_000)
            page = context.new_page()
            problems.watch(page)
            return page

        yield open_page
    assert not problems.unexpected(), "\n".join(problems.unexpected())


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store of sixty prompts in two snapshots."""
    return Path(write_store(tmp_path_factory.mktemp("written"))[0].location.path)


@pytest.fixture
def store(written: Path, tmp_path: Path) -> Store:
    """Sixty prompts in two snapshots, which a test may change; the hashing encoder embeds unseen text."""
    shutil.copytree(written, tmp_path / "store")
    return Store(Location(str(tmp_path / "store")))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a service over a store with settings of one's own."""
    with ExitStack() as stack:
        yield lambda store, **settings: stack.enter_context(ViewerService(store, **settings))


@pytest.fixture
def viewer(built: None, serve: Serve, store: Store) -> ViewerService:
    """The service without tokens over the sixty prompts."""
    return serve(store)


@pytest.fixture
def points(store: Store) -> list[Point]:
    """The sixty prompts in the order of the map."""
    return points_of(store)


@pytest.fixture(params=["canvas", "webgl"])
def renderer(request: pytest.FixtureRequest) -> str:
    """Both ways to draw."""
    return str(request.param)


@pytest.fixture
def shown(page: Page, viewer: ViewerService, renderer: str) -> MapPage:
    """The map of the sixty prompts, drawn both ways."""
    return MapPage(page).open(f"{viewer.url}?renderer={renderer}")


@pytest.fixture
def drawn(page: Page, viewer: ViewerService) -> MapPage:
    """The same, drawn the usual way: for tests of what is round the map."""
    return MapPage(page).open(viewer.url)


@pytest.fixture
def hostile_viewer(built: None, serve: Serve, store: Store, tmp_path: Path) -> ViewerService:
    """The service over prompts, replies, sources and words that try to be more than text."""
    store.set_current(publish_hostile(store, Snapshot.open(store.location), tmp_path / "hostile"))
    return serve(store)


@pytest.fixture
def empty_viewer(built: None, serve: Serve, tmp_path: Path) -> ViewerService:
    """The service over a store without a snapshot."""
    (tmp_path / "empty").mkdir()
    return serve(Store(Location(str(tmp_path / "empty"))))
