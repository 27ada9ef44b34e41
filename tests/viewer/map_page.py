"""The map in a page as a test sees it: by what `window.__viz` says and by the pixels of its canvases."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

_READY = "() => window.__viz?.settled && window.__viz.points > 0 && window.__viz.loaded === window.__viz.points"
_LIT = """
() => {
  const drawn = [...document.querySelectorAll("#map canvas")].map((canvas) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height);
    const context = copy.getContext("2d");
    context.drawImage(canvas, 0, 0);
    const box = canvas.getBoundingClientRect();
    return { context, box, scale: canvas.width / box.width };
  });
  const shows = (x, y) => drawn.some(({ context, box, scale }) =>
    context.getImageData(Math.floor((x - box.x) * scale), Math.floor((y - box.y) * scale), 1, 1).data[3] > 0);
  const places = Array.from({ length: window.__viz.points }, (_, point) => window.__viz.project(point));
  const seen = places.filter((place) => place !== null);
  return seen.filter(({ x, y }) => shows(x, y)).length / seen.length;
}
"""


class MapPage:
    """Example: shown = MapPage(page).open(viewer.url); shown.point_at(3)"""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, url: str) -> MapPage:
        """Load the page and wait until all of the map is drawn."""
        self.page.goto(url)
        return self.settle()

    def settle(self) -> MapPage:
        """Wait until nothing is left to load or to draw."""
        self.page.wait_for_function(_READY)
        return self

    def viz(self, name: str) -> Any:
        """A value of the hook."""
        return self.page.evaluate(f"() => window.__viz.{name}")

    def lit_share(self) -> float:
        """Of the points on the screen, the share whose centre is drawn."""
        return float(self.page.evaluate(_LIT))

    def place(self, point: int) -> tuple[float, float] | None:
        """Where on the page a point can be hit; None where it is off the screen or behind another one."""
        found = self.page.evaluate(
            "(point) => { const at = window.__viz.project(point);"
            " return at && window.__viz.pickAt(at.x, at.y) === point"
            " && document.elementFromPoint(at.x, at.y)?.closest('#map') ? [at.x, at.y] : null; }",
            point,
        )
        return None if found is None else (found[0], found[1])

    def reachable(self) -> list[int]:
        """The points that can be hit."""
        return [point for point in range(self.viz("points")) if self.place(point) is not None]

    def click(self, point: int) -> None:
        """Select a point with the mouse, and wait until it is."""
        place = self.place(point)
        assert place is not None, f"Point {point} cannot be hit."
        self.page.mouse.click(*place)
        self.page.wait_for_function("(point) => window.__viz.selected === point", arg=point)
