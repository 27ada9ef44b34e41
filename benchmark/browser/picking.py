"""Whether the point that the map picks is the one that is drawn; the reference is the graphics card's own drawing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from playwright.sync_api import Page

from benchmark.browser.map_pages import MapPage, Pixels, Size
from benchmark.browser.pages import open_page


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of so many pixels at which a point is drawn or picked, how many have the same one."""

    pixels: int
    equal: int

    @property
    def share(self) -> float:
        """Zero where nothing was drawn."""
        return self.equal / self.pixels if self.pixels else 0.0


class IdPage:
    """The same points, each drawn in the colour of its number (viewer/benchmark/ids.ts), all over a page."""

    def __init__(self, page: Page, service: str) -> None:
        self._page = open_page(page, service, "ids")
        self._page.wait_for_function("() => window.__ids !== undefined")

    def drawn(self, pose: object, pixels: Pixels) -> list[int | None]:
        """The point at each pixel."""
        places = [coordinate for pixel in pixels for coordinate in pixel]
        found = self._page.evaluate("([pose, places]) => window.__ids(pose, places)", [pose, places])
        return [None if point < 0 else point for point in found]


def random_pixels(count: int, size: Size, seed: int) -> list[tuple[float, float]]:
    """Of a picture of this size."""
    chance = random.Random(seed)
    return [(chance.randrange(size[0]) + 0.5, chance.randrange(size[1]) + 0.5) for _ in range(count)]


def agreement(map_page: MapPage, ids: IdPage, poses: Sequence[tuple[float, float]], pixels: Pixels) -> Agreement:
    """Over poses (yaw, distance), for a map that is drawn by WebGL as the ids are, in the same size."""
    pairs: list[tuple[int | None, int | None]] = []
    for yaw, distance in poses:
        pose = map_page.look(yaw, distance)
        picked = [point for _, point in map_page.picks(pixels)]
        pairs += zip(picked, ids.drawn(pose, pixels), strict=True)
    return _count(pairs)


def coverage(map_page: MapPage, poses: Sequence[tuple[float, float]], pixels: Pixels) -> Agreement:
    """Over poses, whether something is picked just where something is drawn; for any renderer."""
    pairs: list[tuple[bool | None, bool | None]] = []
    for yaw, distance in poses:
        map_page.look(yaw, distance)
        picked = [point is not None or None for _, point in map_page.picks(pixels)]
        pairs += zip(picked, [lit or None for lit in map_page.lit(pixels)], strict=True)
    return _count(pairs)


def _count(pairs: Sequence[tuple[int | None, int | None]]) -> Agreement:
    told = [(picked, drawn) for picked, drawn in pairs if picked is not None or drawn is not None]
    return Agreement(len(told), sum(picked == drawn for picked, drawn in told))
