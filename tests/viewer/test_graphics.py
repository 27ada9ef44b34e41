"""Whatever graphics there are, or stay: none, a card that goes away and comes back, or one that is gone for good."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.viewer.map_page import MapPage

_KEEP_CONTEXT = """
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, options) {
  const context = getContext.call(this, kind, options);
  if (kind === "webgl2" && context !== null) window.__loss = context.getExtension("WEBGL_lose_context");
  return context;
};
"""
_LOSE, _RESTORE = "() => window.__loss.loseContext()", "() => window.__loss.restoreContext()"


@pytest.fixture
def on_card(page, viewer) -> MapPage:
    """A map drawn by WebGL, whose context can be taken away."""
    page.add_init_script(_KEEP_CONTEXT)
    return MapPage(page).open(f"{viewer.url}?renderer=webgl")


def _assert_works(shown: MapPage) -> None:
    """All points are drawn, and can be pointed at, moved and selected."""
    assert shown.lit_share() == 1.0
    shown.hover(0)
    shown.click(12)
    expect(shown.page.get_by_role("region", name="Nearest prompts")).to_be_visible()
    before = shown.settle().picture()
    assert shown.aim(yaw=shown.viz("camera.yaw") + 1).picture() != before


def test_without_webgl_the_processor_draws_the_map(open_browser, new_page, viewer):
    with open_browser("--disable-3d-apis") as browser:
        shown = MapPage(new_page(browser)).open(viewer.url)
        assert shown.page.evaluate("() => document.createElement('canvas').getContext('webgl2')") is None
        assert shown.viz("kind") == "canvas"
        _assert_works(shown)
        shown.page.context.close()


def test_webgl_that_is_asked_for_and_not_there_is_told(open_browser, new_page, problems, viewer):
    problems.expect("WebGL")
    with open_browser("--disable-3d-apis") as browser:
        shown = MapPage(new_page(browser)).open(f"{viewer.url}?renderer=webgl")
        expect(shown.page.get_by_text("The graphics card cannot be used; the processor draws the map")).to_be_visible()
        assert shown.viz("kind") == "canvas"
        assert shown.lit_share() == 1.0
        shown.page.context.close()


def test_webgl_in_software_is_passed_over_for_the_processor(drawn):
    assert drawn.viz("kind") == "canvas"


def test_a_context_that_comes_back_draws_the_same_map(on_card):
    page = on_card.page
    before = on_card.picture()
    page.evaluate(_LOSE)
    expect(page.get_by_text("The graphics card went away; waiting for it")).to_be_visible()
    assert on_card.viz("kind") is None
    page.evaluate(_RESTORE)
    expect(page.get_by_text("The graphics card went away")).to_be_hidden()
    on_card.settle().wait("kind", "webgl")
    assert on_card.picture() == before
    _assert_works(on_card)


def test_a_context_that_is_lost_twice_comes_back_twice(on_card):
    for _ in range(2):
        on_card.page.evaluate(_LOSE)
        on_card.wait("kind", None)
        on_card.page.evaluate(_RESTORE)
        on_card.wait("kind", "webgl").settle()
        assert on_card.lit_share() == 1.0


def test_the_processor_takes_over_from_a_context_that_does_not_come_back(on_card):
    page = on_card.page
    page.evaluate(_LOSE)
    expect(page.get_by_text("The graphics card did not come back; the processor draws the map")).to_be_visible()
    on_card.wait("kind", "canvas").settle()
    _assert_works(on_card)
    assert page.locator("#map .stage > div > canvas").count() == 1
