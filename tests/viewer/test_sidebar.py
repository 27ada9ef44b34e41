"""The sidebar in a low window, over a snapshot of many sources."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.viewer.map_page import MapPage

HEADS = ("Sources", "Density percentile", "Clusters", "Appearance")
NUM_SOURCES = 53


@pytest.fixture
def many_sources(page: Page, viewer) -> MapPage:
    """The map of the sixty prompts, said to be of more sources than it is."""

    def answer(route: Route) -> None:
        meta = json.loads(route.fetch().text())
        others = range(len(meta["sources"]), NUM_SOURCES)
        meta["sources"] += [{"code": code, "name": f"source-{code}", "size": 0} for code in others]
        route.fulfill(json=meta)

    page.route("**/v1/points/meta*", answer)
    return MapPage(page).open(viewer.url)


def _head(shown: MapPage, title: str) -> Locator:
    return shown.page.locator("#panel-explore summary").filter(has=shown.page.get_by_role("heading", name=title))


def test_every_part_can_be_seen_to_be_there_without_scrolling(many_sources):
    for title in HEADS:
        expect(_head(many_sources, title)).to_be_in_viewport(ratio=1)
    assert many_sources.page.locator("#panel-explore").evaluate("(panel) => panel.scrollTop") == 0


def test_small_sources_are_folded_away_and_can_be_hidden_from_there(many_sources):
    page = many_sources.page
    listed = page.locator(".sources .legend > li:visible")
    expect(listed).to_have_count(6)
    page.get_by_text(f"{NUM_SOURCES - 6} more sources").click()
    expect(listed).to_have_count(NUM_SOURCES)
    page.get_by_role("button", name="source-50 0", exact=True).click()
    page.get_by_role("button", name="Show all").click()
    expect(listed).to_have_count(NUM_SOURCES)


@pytest.mark.parametrize("title", HEADS)
def test_a_head_folds_its_part_away(drawn, title):
    head = _head(drawn, title)
    part = head.locator("xpath=..")
    was_open = part.get_attribute("open") is not None
    head.focus()
    drawn.page.keyboard.press("Enter")
    expect(part.locator("> :not(summary)").first).to_be_visible(visible=not was_open)
