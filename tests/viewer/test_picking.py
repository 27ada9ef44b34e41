"""What is picked on the map is what is drawn there, at random pixels and from several sides."""

from __future__ import annotations

import pytest

from benchmark.browser.map_pages import MapPage
from benchmark.browser.picking import IdPage, agreement, coverage, random_pixels

POSES = [(0.6, 2.9), (2.1, 1.2), (4.4, 0.5)]
LEAST = 0.98


@pytest.fixture
def service(viewer) -> str:
    return viewer.url.removesuffix("/viz")


def _near_the_middle(size, count):
    """Sixty prompts fill little of the picture: most pixels there are empty."""
    width, height = size
    return [(x + width // 4, y + height // 4) for x, y in random_pixels(count, (width // 2, height // 2), seed=5)]


def test_the_picked_point_is_the_one_that_the_graphics_card_draws(new_page, service):
    shown = MapPage(new_page(), service, "webgl")
    width, height = shown.size
    ids = IdPage(new_page(viewport={"width": width, "height": height}), service)
    found = agreement(shown, ids, POSES, _near_the_middle(shown.size, 20_000))
    assert found.pixels > 200
    assert found.share >= LEAST


def test_something_is_picked_just_where_the_processor_draws_something(new_page, service):
    shown = MapPage(new_page(), service, "canvas")
    found = coverage(shown, POSES, _near_the_middle(shown.size, 20_000))
    assert found.pixels > 200
    assert found.share >= LEAST
