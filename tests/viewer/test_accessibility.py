"""axe-core finds no serious violation on the map, with a prompt open and with the help open, in both themes."""

from __future__ import annotations

import pytest

from tests.viewer.conftest import CHECKOUT
from tests.viewer.map_page import MapPage

AXE = CHECKOUT / "viewer" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"width": 390, "height": 844}


def violations(page) -> list[str]:
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("() => axe.run()")["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {one['help']}: {node['html'][:200]}" for one in serious for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_map_and_its_panels_are_accessible(new_page, viewer, scheme):
    page = new_page(color_scheme=scheme)
    shown = MapPage(page).open(viewer.url)
    assert not violations(page)
    shown.click(shown.reachable()[0])
    page.wait_for_load_state("networkidle")
    assert not violations(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    assert not violations(page)


def test_the_map_is_accessible_on_a_phone(new_page, viewer):
    page = new_page(viewport=PHONE, has_touch=True, is_mobile=True)
    MapPage(page).open(viewer.url)
    assert not violations(page)
