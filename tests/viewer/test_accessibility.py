"""axe-core finds no serious violation, whatever is open, dark and light, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from serve.tokens import Tokens
from tests.viewer.conftest import CHECKOUT
from tests.viewer.map_page import MapPage
from tests.viewer.test_marks import lasso_left_half

AXE = CHECKOUT / "viewer" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def violations(page: Page) -> list[str]:
    page.wait_for_load_state("networkidle")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("() => axe.run()")["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {one['help']}: {node['html'][:200]}" for one in serious for node in one["nodes"]]


def _select(shown: MapPage) -> None:
    shown.click(shown.reachable()[0])
    shown.page.get_by_role("region", name="Nearest prompts").wait_for()


def _mark(shown: MapPage) -> None:
    lasso_left_half(shown)
    shown.page.locator("[data-point] button").first.wait_for()


def _search(shown: MapPage) -> None:
    shown.page.keyboard.press("/")
    shown.page.keyboard.type("bread")
    shown.page.keyboard.press("Enter")
    shown.page.locator(".search .briefs button").first.wait_for()


def _sample(shown: MapPage) -> None:
    shown.page.get_by_role("tab", name="Sampling").click()
    shown.page.locator("#effective").wait_for()


def _compare(shown: MapPage) -> None:
    shown.page.get_by_role("tab", name="Compare").click()
    shown.page.get_by_label("Compare with").select_option(index=1)
    shown.page.locator("#comparison-shared").wait_for()
    shown.page.get_by_label("One text a line", exact=False).fill("bread")
    shown.page.get_by_role("button", name="Place", exact=True).click()
    shown.page.get_by_text("1 text placed.").wait_for()


def _ask_for_help(shown: MapPage) -> None:
    shown.page.keyboard.press("?")
    shown.page.get_by_role("dialog").wait_for()


STATES: dict[str, Callable[[MapPage], None]] = {
    "explore": lambda shown: None,
    "selection": _select,
    "marks": _mark,
    "search": _search,
    "sampling": _sample,
    "comparison": _compare,
    "help": _ask_for_help,
}


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_everything_on_the_page_is_accessible(new_page, viewer, scheme):
    found = {}
    for name, reach in STATES.items():
        shown = MapPage(new_page(color_scheme=scheme)).open(viewer.url)
        reach(shown)
        found[name] = violations(shown.page)
        shown.page.context.close()
    assert not {name: problems for name, problems in found.items() if problems}


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_is_accessible_on_a_phone(new_page, viewer, scheme):
    shown = MapPage(new_page(color_scheme=scheme, **PHONE)).open(viewer.url)
    assert not violations(shown.page)
    shown.page.get_by_role("button", name="Controls").tap()
    shown.page.get_by_role("tab", name="Sampling").tap()
    assert not violations(shown.page)
    shown.page.get_by_role("tab", name="Explore").tap()
    shown.page.get_by_role("button", name="Show me a rare prompt").tap()
    shown.page.get_by_role("region", name="Nearest prompts").wait_for()
    assert not violations(shown.page)


def test_an_outage_and_a_missing_token_are_accessible(page, problems, built, serve, store):
    problems.expect("Failed to load resource")
    service = serve(store, tokens=Tokens.of(["token-of-a-reader-1234"]))
    page.goto(service.url)
    page.get_by_label("Token", exact=True).wait_for()
    assert not violations(page)
    page.get_by_label("Token", exact=True).fill("token-of-a-reader-1234")
    page.get_by_role("button", name="Continue").click()
    shown = MapPage(page).settle()
    service.stop()
    shown.click(0)
    page.get_by_text("What is on the map stays").wait_for()
    assert not violations(page)
