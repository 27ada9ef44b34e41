"""The page comes up over a real service, draws every prompt, and asks nobody else for anything."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from serve.tokens import Tokens
from tests.serve.corpus import IDS
from tests.viewer.map_page import MapPage

_TWENTY_FRAMES = """
() => new Promise((done) => {
  let frames = 0;
  const next = () => (++frames > 20 ? done() : requestAnimationFrame(next));
  next();
})
"""
READ = "token-of-a-reader-1234"


@pytest.mark.parametrize("renderer", ["canvas", "webgl"])
def test_every_prompt_is_drawn_under_the_real_policy(page, viewer, renderer):
    answer = page.goto(f"{viewer.url}?renderer={renderer}")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    shown = MapPage(page).settle()
    assert (shown.viz("points"), shown.viz("loaded"), shown.viz("visible")) == (len(IDS),) * 3
    assert shown.viz("kind") == renderer
    assert shown.lit_share() == 1.0


_BLOCKED = """
for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, { get: () => { throw new DOMException("blocked", "SecurityError"); } });
}
"""


def test_a_browser_that_lets_pages_keep_nothing_shows_the_map_and_takes_a_theme(page, viewer):
    page.add_init_script(_BLOCKED)
    shown = MapPage(page).open(viewer.url)
    assert shown.viz("visible") == len(IDS)
    shown.page.get_by_role("button", name="Theme: system").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_nothing_is_drawn_while_nothing_changes(page, viewer):
    shown = MapPage(page).open(viewer.url)
    page.wait_for_load_state("networkidle")  # the names of clusters come after the points
    page.evaluate(_TWENTY_FRAMES)
    shown.settle()
    frames = shown.viz("frames")
    page.evaluate(_TWENTY_FRAMES)
    assert shown.viz("frames") == frames


def test_the_page_says_what_it_lacks_while_the_store_is_empty(page, problems, empty_viewer):
    problems.expect("503")
    page.goto(empty_viewer.url)
    expect(page.get_by_text("No snapshot is ready to be served yet")).to_be_visible()


def test_a_token_is_asked_for_and_is_not_written_anywhere(page, problems, built, serve, store):
    problems.expect("401")
    page.goto(serve(store, tokens=Tokens.of([READ])).url)
    page.get_by_label("Token", exact=True).fill("token-that-is-another-one")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("does not know this token")).to_be_visible()
    page.get_by_label("Token", exact=True).fill(READ)
    page.get_by_role("button", name="Continue").click()
    assert MapPage(page).settle().viz("points") == len(IDS)
    assert READ not in page.url
    assert READ not in page.content()


def test_the_map_stays_while_the_service_is_away_and_goes_on_when_it_is_back(page, problems, viewer):
    problems.expect("Failed to load resource")
    shown = MapPage(page).open(viewer.url)
    viewer.stop()
    shown.click(shown.reachable()[0])
    expect(page.get_by_text("What is on the map stays")).to_be_visible()
    assert shown.lit_share() == 1.0
    viewer.restart()
    expect(page.get_by_text("What is on the map stays")).to_be_hidden(timeout=30_000)
    expect(page.get_by_role("heading", name="Nearest prompts")).to_be_visible()


def test_colours_and_weights_that_did_not_come_are_there_soon_after_the_service_is_back(page, problems, viewer):
    problems.expect("Failed to load resource")
    shown = MapPage(page).open(viewer.url)
    page.wait_for_load_state("networkidle")
    viewer.stop()
    before = shown.picture()
    page.locator("#panel-explore").get_by_text("Weight", exact=True).click()
    expect(page.get_by_text("did not arrive")).to_be_visible()
    neutral = shown.settle().picture()
    assert neutral != before
    viewer.restart()
    expect(page.get_by_text("did not arrive")).to_be_hidden(timeout=30_000)
    assert shown.settle().picture() not in (before, neutral)
