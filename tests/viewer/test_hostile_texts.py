"""Texts that try to be more than text are text: in the card, in the panel, in lists, legends and labels."""

from __future__ import annotations

import pytest

from tests.viewer.hostile import TEXTS
from tests.viewer.map_page import MapPage

_FOREIGN = (
    "() => document.querySelectorAll('img, iframe, object, embed, script:not([src]), a[href^=\"javascript\"]').length"
)
_WIDER = "() => document.documentElement.scrollWidth - window.innerWidth"


@pytest.fixture
def shown(page, hostile_viewer) -> MapPage:
    return MapPage(page).open(hostile_viewer.url)


def _assert_inert(page) -> None:
    assert page.evaluate("() => window.__hostile") is None
    assert page.evaluate(_FOREIGN) == 0
    assert page.evaluate(_WIDER) <= 0


def test_no_text_becomes_more_than_text_wherever_it_is_shown(shown, page):
    _assert_inert(page)
    seen = set()
    for point in shown.reachable()[:15]:
        if shown.place(point) is None:
            continue
        page.mouse.move(*shown.place(point))
        shown.click(point)
        page.wait_for_load_state("networkidle")
        seen |= {text for text in TEXTS if text.strip()[:12] in (page.text_content("body") or "")}
        _assert_inert(page)
        page.keyboard.press("Escape")
    assert len(seen) > 6


def test_a_search_for_hostile_words_shows_them_as_text(shown, page):
    page.keyboard.press("/")
    page.keyboard.type("<img")
    page.keyboard.press("Enter")
    page.get_by_text(TEXTS[0]).first.wait_for()
    _assert_inert(page)
