"""What the pixels say: sizes, opacity, aspect, that picking agrees with them, and that nothing on the page jumps."""

from __future__ import annotations

import math

import pytest
from playwright.sync_api import expect

from tests.viewer.map_page import MapPage

_AGREEMENT = """
() => {
  const canvas = document.querySelector("#map .stage > div > canvas");
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  const box = canvas.getBoundingClientRect();
  const [stepX, stepY] = [box.width / canvas.width, box.height / canvas.height];
  let [lit, equal, all] = [0, 0, 0];
  for (let row = 0; row < canvas.height; row += 2) {
    for (let column = 0; column < canvas.width; column += 2, all++) {
      const isDrawn = data[4 * (row * canvas.width + column) + 3] > 0;
      const found = window.__viz.pickAt(box.x + (column + 0.5) * stepX, box.y + (row + 0.5) * stepY);
      lit += isDrawn;
      equal += isDrawn === (found !== null);
    }
  }
  return { lit, equal: equal / all };
}
"""
_WATCH_SHIFTS = """
window.__shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const moved = entry.sources.map(({ node }) => node?.nodeType === 1 ? node.outerHTML.slice(0, 120) : String(node));
    window.__shifts.push([entry.value, ...moved]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
_TWENTY_FRAMES = """
() => new Promise((done) => {
  let frames = 0;
  const next = () => (++frames > 20 ? done() : requestAnimationFrame(next));
  next();
})
"""


def test_larger_points_cover_more_and_smaller_ones_less(shown):
    size = shown.page.get_by_label("Point size")
    areas = []
    for factor in ("0.1", "1", "2", "5"):
        size.fill(factor)
        areas.append(shown.settle().lit_pixels())
    assert areas == sorted(areas)
    assert areas[0] > 0
    assert areas[-1] > 2 * areas[1]


def test_less_opacity_leaves_out_its_share_of_pixels(shown):
    opacity = shown.page.get_by_label("Opacity")
    whole = shown.lit_pixels()
    for share in (0.7, 0.4, 0.1):
        opacity.fill(str(share))
        assert shown.settle().lit_pixels() / whole == pytest.approx(share, abs=0.12)
    opacity.fill("1")
    assert shown.settle().lit_pixels() == whole


def test_a_rarer_prompt_is_drawn_larger(shown, points):
    page = shown.page
    lowest = page.get_by_label("Lowest density percentile shown")
    highest = page.get_by_label("Highest density percentile shown")
    whole = shown.viz("camera.target")
    highest.fill("10")
    rare = shown.settle().lit_pixels() / shown.viz("visible")
    highest.fill("100")
    lowest.fill("90")
    common = shown.settle().lit_pixels() / shown.viz("visible")
    assert shown.viz("camera.target") == whole
    assert rare > 2 * common


def test_what_is_picked_is_what_is_drawn(shown):
    for yaw in (0.0, 2.0):
        shown.aim(yaw=yaw)
        found = shown.page.evaluate(_AGREEMENT)
        assert found["lit"] > 100
        assert found["equal"] >= (1.0 if shown.viz("kind") == "canvas" else 0.9995)


def test_a_point_is_picked_at_its_own_pixels_in_its_own_colour(shown, points):
    page = shown.page
    colors = {}
    for source in sorted({point.source for point in points}):
        page.get_by_role("button", name=f"Show only {source}").click()
        shown.settle()
        number = next(number for number in shown.reachable() if points[number].source == source)
        red, green, blue, alpha = shown.color(shown.place(number))
        assert alpha == 255
        colors[source] = (red, green, blue)
    assert all(math.dist(one, other) > 40 for one in colors.values() for other in colors.values() if one != other)
    assert len(set(colors.values())) == len(colors)


def test_another_size_of_the_window_keeps_the_aspect(shown):
    page = shown.page
    page.get_by_label("Labels").uncheck()
    for width, height in ((900, 900), (1600, 500)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function("(height) => document.querySelector('#map .stage').clientHeight === height", arg=height)
        page.evaluate(_TWENTY_FRAMES)
        assert shown.settle().lit_share() == 1.0
        canvas, box = page.locator("#map .stage > div > canvas"), shown.stage.bounding_box()
        assert canvas.evaluate("(canvas) => [canvas.width, canvas.height]") == [box["width"], box["height"]]
        across, down = _extent(shown, [1, 0, 0]), _extent(shown, [0, 1, 0])
        assert across == pytest.approx(down, rel=0.02)


def _extent(shown: MapPage, axis: list[float]) -> float:
    """Pixels by which a point moves on the screen when the camera moves a little along an axis it looks across."""
    shown.aim(yaw=0, pitch=0, target=[0, 0, 0])
    before = shown.viz("project(0)")
    shown.aim(target=[0.05 * at for at in axis])
    after = shown.viz("project(0)")
    return math.hypot(after["x"] - before["x"], after["y"] - before["y"])


def test_nothing_jumps_while_data_arrives_and_panels_open(page, viewer):
    page.add_init_script(_WATCH_SHIFTS)
    shown = MapPage(page).open(viewer.url)
    box = shown.stage.bounding_box()
    shown.click(1)
    page.get_by_role("region", name="Nearest prompts").wait_for()
    for tab in ("Sampling", "Compare", "Explore"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Help: keys and gestures").click()
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.evaluate(_TWENTY_FRAMES)
    assert page.evaluate("() => window.__shifts") == []
    assert shown.stage.bounding_box() == box


def test_nothing_is_drawn_while_a_panel_is_read(drawn):
    drawn.click(3)
    drawn.page.get_by_role("region", name="Nearest prompts").wait_for()
    drawn.settle()
    drawn.page.evaluate(_TWENTY_FRAMES)
    frames = drawn.settle().viz("frames")
    drawn.page.locator(".detail").evaluate("(panel) => panel.scrollTo(0, 300)")
    drawn.page.evaluate(_TWENTY_FRAMES)
    assert drawn.viz("frames") == frames


def test_dark_and_light_are_other_pictures_of_the_same_points(shown):
    light, lit = shown.picture(), shown.lit_pixels()
    shown.page.get_by_role("button", name="Theme").click()
    expect(shown.page.locator("html")).to_have_attribute("data-theme", "dark")
    assert shown.settle().picture() != light
    assert shown.lit_pixels() == lit


@pytest.mark.parametrize("color", ["Density", "Weight", "Cluster"])
def test_points_take_other_colours_in_the_same_places(shown, color):
    before, lit = shown.picture(), shown.lit_pixels()
    shown.page.get_by_role("radio", name=color).check()
    shown.page.wait_for_load_state("networkidle")
    assert shown.settle().picture() != before
    assert shown.lit_pixels() == lit
