"""The map and the seeds' page in a browser, as things that can be timed. Knows no bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page

from benchmark.browser.pages import open_page

Pixels = Sequence[tuple[float, float]]
"""Middles of pixels, from the upper left corner of what shows points."""
Size = tuple[int, int]
WINDOW: Size = (1280, 720)
_PATIENCE_MILLISECONDS = 120_000
_LOADED = "() => window.__viz?.timings.dataReady != null && window.__viz.settled"
_POINTS = 'document.querySelectorAll("#map canvas")[1]'  # between the grid and the names
_FRAMES = """
async (yaws) => {
  const gl = window.__viz.kind === "webgl" ? POINTS.getContext("webgl2") : null;
  const wait = () => gl?.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  const one = (yaw) => new Promise((done) => {
    let [start, first] = [0, 0];
    const asked = performance.now();
    const next = () => {
      if (window.__viz.settled) done([first, performance.now() - asked]);
      else requestAnimationFrame(next);
    };
    // Frames run their callbacks in the order in which they were asked for: the map's own is between these two.
    requestAnimationFrame(() => { start = performance.now(); });
    window.__viz.setCamera({ yaw });
    requestAnimationFrame(() => {
      wait();
      first = performance.now() - start;
      next();
    });
  });
  const found = [];
  for (const yaw of yaws) found.push(await one(yaw));
  return found;
}
"""
_PICKS = """
(pixels) => {
  const box = POINTS.getBoundingClientRect();
  return pixels.map(([x, y]) => {
    const start = performance.now();
    const point = window.__viz.pickAt(box.x + x, box.y + y);
    return [performance.now() - start, point];
  });
}
"""
_LIT = """
(pixels) => {
  const { width, height } = POINTS;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(POINTS, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return pixels.map(([x, y]) => data[4 * (Math.floor(y) * width + Math.floor(x)) + 3] > 0);
}
"""
_FILTERS = """
(percents) => percents.map((percent) => {
  const lowest = document.querySelector("#lowest");
  lowest.value = String(percent);
  lowest.dispatchEvent(new Event("input", { bubbles: true }));
  return [window.__viz.timings.lastFilter, window.__viz.visible];
})
"""
_IDLE = """
(milliseconds) => new Promise((done) => {
  const [start, frames] = [performance.now(), window.__viz.frames];
  const next = (now) => (now - start > milliseconds ? done(window.__viz.frames - frames) : requestAnimationFrame(next));
  requestAnimationFrame(next);
})
"""
_SPAN = """
([path, mark]) => {
  const asked = performance.getEntriesByType("resource").filter(({ name }) => name.includes(path));
  return [Math.min(...asked.map(({ startTime }) => startTime)), performance.getEntriesByName(mark)[0].startTime];
}
"""


@contextmanager
def fresh_page(browser: Browser, size: Size = WINDOW) -> Iterator[Page]:
    """A page with nothing in any cache, of a person who wants no motion."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
    context.set_default_timeout(_PATIENCE_MILLISECONDS)
    try:
        yield context.new_page()
    finally:
        context.close()


class MapPage:
    """The map as it is served, with all points drawn."""

    def __init__(self, page: Page, service: str, renderer: str | None = None) -> None:
        self.page = page
        page.goto(f"{service}/viz" + (f"?renderer={renderer}" if renderer else ""))
        page.wait_for_function(_LOADED)

    @property
    def size(self) -> Size:
        """Pixels of what shows points, which is less than the window."""
        width, height = self._ask("() => [POINTS.width, POINTS.height]")
        return width, height

    @property
    def drawn(self) -> int:
        """Points that are loaded and pass the filters."""
        return int(self.page.evaluate("() => Math.min(window.__viz.loaded, window.__viz.visible)"))

    def milliseconds(self) -> dict[str, float]:
        """From the start of the page until all points were `drawn`; when they were `asked` for and all `there`."""
        drawn = self.page.evaluate("() => window.__viz.timings.dataReady")
        asked, there = self.page.evaluate(_SPAN, ["/v1/points", "points-loaded"])
        return {"drawn": drawn, "asked": asked, "there": there}

    def frames(self, yaws: Sequence[float]) -> tuple[list[float], list[float]]:
        """For each turn of the camera milliseconds of the first frame; and until all points are drawn."""
        first, whole = zip(*self._ask(_FRAMES, list(yaws)), strict=True)
        return list(first), list(whole)

    def picks(self, pixels: Pixels) -> list[tuple[float, int | None]]:
        """Milliseconds and point of a pick at each pixel."""
        return [(milliseconds, point) for milliseconds, point in self._ask(_PICKS, list(pixels))]

    def lit(self, pixels: Pixels) -> list[bool]:
        """Whether a point is drawn at each pixel."""
        return list(self._ask(_LIT, list(pixels)))

    def filters(self, percents: Sequence[int]) -> list[tuple[float, int]]:
        """Milliseconds of each filter by lowest density, and how many points pass."""
        return [(milliseconds, visible) for milliseconds, visible in self.page.evaluate(_FILTERS, list(percents))]

    def idle_frames(self, milliseconds: int) -> int:
        """Frames drawn while nothing happens."""
        return int(self.page.evaluate(_IDLE, milliseconds))

    def look(self, yaw: float, distance: float) -> Any:
        """Take a pose and wait until all is drawn; the pose."""
        self.page.evaluate("(pose) => window.__viz.setCamera(pose)", {"yaw": yaw, "distance": distance})
        self.page.wait_for_function("() => window.__viz.settled")
        return self.page.evaluate("() => window.__viz.camera")

    def _ask(self, script: str, *arguments: Any) -> Any:
        return self.page.evaluate(script.replace("POINTS", _POINTS), *arguments)


class SeedsPage:
    """The page written the seeds' way, over the same points."""

    def __init__(self, page: Page, service: str) -> None:
        self.page = open_page(page, service, "seeds")
        page.wait_for_function("() => window.__seeds !== undefined")

    @property
    def points(self) -> int:
        """Of its JSON."""
        return int(self.page.evaluate("() => window.__seeds.points"))

    def milliseconds(self) -> dict[str, float]:
        """From the start of the page until the points were `there`, in buffers; when they were `asked` for."""
        asked, there = self.page.evaluate(_SPAN, ["/api/embeddings_3d", "points-loaded"])
        return {"asked": asked, "there": there}

    def frames(self, yaws: Sequence[float]) -> list[float]:
        """Milliseconds of one frame after each turn of the camera."""
        return list(self.page.evaluate("(yaws) => yaws.map((yaw) => window.__seeds.frame(yaw))", list(yaws)))

    def picks_by_id(self, pixels: Pixels) -> list[tuple[float, int | None]]:
        """Milliseconds and point of a pick at each pixel, by an id buffer."""
        return [(one["milliseconds"], one["point"]) for one in self._pick("pickById", pixels)]

    def picks_by_ray(self, pixels: Pixels) -> list[float]:
        """Milliseconds of a pick at each pixel by three.js' raycaster, which misses many: it knows no pixels."""
        return [one["milliseconds"] for one in self._pick("pickByRay", pixels)]

    def _pick(self, name: str, pixels: Pixels) -> list[dict[str, Any]]:
        return list(
            self.page.evaluate(f"(pixels) => pixels.map(([x, y]) => window.__seeds.{name}(x, y))", list(pixels))
        )


def retained_bytes(page: Page) -> int:
    """What scripts of a page hold on to, after a collection: objects, and buffers of arrays outside of them."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    for _ in range(3):  # what one collection frees may have kept other things alive
        session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    return int(usage["usedSize"] + usage.get("backingStorageSize", 0))


class Traffic:
    """Bytes of answers as they came over the wire, headers too. Watches a page from before its first request on."""

    def __init__(self, page: Page) -> None:
        self._start: float | None = None
        self._begun: dict[str, float] = {}
        self._bytes: dict[str, int] = {}
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._begin)
        session.on("Network.loadingFinished", self._end)
        session.send("Network.enable")

    def bytes_until(self, milliseconds: float) -> int:
        """Of all answers that were asked for by then, after the start of the page."""
        start = self._start or 0.0
        return sum(self._bytes.get(name, 0) for name, at in self._begun.items() if 1000 * (at - start) <= milliseconds)

    def _begin(self, event: dict[str, Any]) -> None:
        self._start = self._start or event["timestamp"]
        self._begun[event["requestId"]] = event["timestamp"]

    def _end(self, event: dict[str, Any]) -> None:
        self._bytes[event["requestId"]] = int(event["encodedDataLength"])
