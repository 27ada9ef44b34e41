"""The map in a page as a test sees it: by what `window.__viz` says and by the pixels of its canvases."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page

_READY = "() => window.__viz?.settled && window.__viz.points > 0 && window.__viz.loaded === window.__viz.points"
_PICTURE = """
  const canvas = document.querySelector("#map .stage > div > canvas");
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext("2d");
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const box = canvas.getBoundingClientRect();
  const scale = canvas.width / box.width;
  const at = (x, y) => 4 * (Math.floor((y - box.y) * scale) * canvas.width + Math.floor((x - box.x) * scale));
"""
_LIT = f"""
() => {{
  {_PICTURE}
  const places = Array.from({{ length: window.__viz.points }}, (_, point) => window.__viz.project(point));
  const seen = places.filter((place) => place !== null);
  return seen.filter(({{ x, y }}) => data[at(x, y) + 3] > 0).length / seen.length;
}}
"""
_AREA = f"""
() => {{
  {_PICTURE}
  let lit = 0;
  for (let alpha = 3; alpha < data.length; alpha += 4) lit += data[alpha] > 0;
  return lit;
}}
"""
_COLOR = f"([x, y]) => {{ {_PICTURE} return [...data.subarray(at(x, y), at(x, y) + 4)]; }}"
_DIGEST = f"""
async () => {{
  {_PICTURE}
  const digest = await crypto.subtle.digest("SHA-256", data);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}}
"""
_PLACE = """
(point) => {
  const at = window.__viz.project(point);
  return at && window.__viz.pickAt(at.x, at.y) === point
    && document.elementFromPoint(at.x, at.y)?.closest("#map") ? [at.x, at.y] : null;
}
"""
_EMPTY = """
() => {
  const box = document.querySelector("#map .stage").getBoundingClientRect();
  const steps = Array.from({ length: 19 }, (_, step) => (step + 1) / 20);
  const row = (down) => steps.map((across) => [box.x + across * box.width, box.y + down * box.height]);
  const places = steps.flatMap(row);
  const points = Array.from({ length: window.__viz.points }, (_, point) => window.__viz.project(point)).filter(Boolean);
  const room = ([x, y]) => Math.min(...points.map((point) => Math.hypot(point.x - x, point.y - y)));
  const free = places.filter(([x, y]) => document.elementFromPoint(x, y)?.closest("#map"));
  return free.sort((a, b) => room(b) - room(a))[0];
}
"""
_TURNS = 12


class MapPage:
    """Example: shown = MapPage(page).open(viewer.url); shown.click(3)"""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def stage(self) -> Locator:
        """The element that takes gestures and keys."""
        return self.page.locator("#map .stage")

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

    def wait(self, name: str, value: Any) -> MapPage:
        """Wait until a value of the hook is this one."""
        self.page.wait_for_function(f"(value) => window.__viz.{name} === value", arg=value)
        return self

    def aim(self, **pose: Any) -> MapPage:
        """Move the camera at once: `yaw`, `pitch`, `distance`, `target`."""
        self.page.evaluate("(pose) => window.__viz.setCamera(pose)", pose)
        return self.settle()

    def lit_share(self) -> float:
        """Of the points on the screen, the share whose centre is drawn."""
        return float(self.page.evaluate(_LIT))

    def lit_pixels(self) -> int:
        """Pixels on which a point is drawn."""
        return int(self.page.evaluate(_AREA))

    def color(self, place: tuple[float, float]) -> list[int]:
        """RGBA of what points draw at a place of the page."""
        return list(self.page.evaluate(_COLOR, place))

    def picture(self) -> str:
        """Equal for equal pictures of the points."""
        return str(self.page.evaluate(_DIGEST))

    def place(self, point: int) -> tuple[float, float] | None:
        """Where on the page a point can be hit; None where it is off the screen or behind another one."""
        found = self.page.evaluate(_PLACE, point)
        return None if found is None else (found[0], found[1])

    def bring(self, point: int) -> tuple[float, float]:
        """Turn the camera until a point can be hit, and say where."""
        start = self.viz("camera")["yaw"]
        for turn in range(_TURNS):
            self.aim(yaw=start + turn * 6.28 / _TURNS)
            if (place := self.place(point)) is not None:
                return place
        raise AssertionError(f"Point {point} cannot be hit from anywhere.")

    def reachable(self) -> list[int]:
        """The points that can be hit."""
        numbers = f"Array.from({{ length: window.__viz.points }}, (_, point) => point).filter({_PLACE.strip()})"
        return list(self.page.evaluate(f"() => {numbers}"))

    def hover(self, point: int) -> None:
        """Point at a point, and wait until the page knows."""
        self.page.mouse.move(*self.bring(point))
        self.wait("hovered", point)

    def click(self, point: int) -> None:
        """Select a point with the mouse, and wait until it is."""
        self.page.mouse.click(*self.bring(point))
        self.wait("selected", point)

    def empty_place(self) -> tuple[float, float]:
        """The place of the map, under no panel, that is farthest from every point."""
        x, y = self.page.evaluate(_EMPTY)
        return x, y
