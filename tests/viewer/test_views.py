"""The sampling view shows where draws go; the comparison shows another snapshot and texts of one's own on this map."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from playwright.sync_api import expect

from kat_ray.snapshot.snapshot import Snapshot
from tests.serve.corpus import TEXTS
from tests.viewer.changed import publish_newer
from tests.viewer.map_page import MapPage

NUM_NEW = 7


def _number(text: str | None) -> float:
    """The last percentage of a sentence."""
    return float((text or "").rpartition(" %")[0].split()[-1])


@pytest.fixture
def sampling(shown) -> MapPage:
    shown.page.get_by_role("tab", name="Sampling").click()
    expect(shown.page.locator("#effective")).to_be_visible()
    return shown.settle()


@pytest.fixture
def newer(store, tmp_path) -> str:
    """A snapshot of which some prompts are not in the current one."""
    return publish_newer(store, Snapshot.open(store.location), tmp_path / "newer", NUM_NEW)


@pytest.fixture
def comparing(newer, shown) -> MapPage:
    shown.page.get_by_role("tab", name="Compare").click()
    shown.page.get_by_label("Compare with").select_option(newer)
    expect(shown.page.locator("#comparison-shared")).to_be_visible()
    return shown.settle()


def test_the_sampling_view_has_the_numbers_of_the_weights(sampling, points):
    weights = np.array([point.weight for point in points])
    effective = weights.sum() ** 2 / (len(weights) * (weights**2).sum())
    said = sampling.page.locator("#effective").text_content() or ""
    assert float(said.split()[0]) == pytest.approx(100 * effective, abs=0.06)
    deciles = sampling.page.locator(".columns li")
    expect(deciles).to_have_count(10)
    shares = [float(text.partition(":")[2].split()[0]) for text in deciles.locator(".spoken").all_text_contents()]
    assert sum(shares) == pytest.approx(100, abs=1)
    rarest = sum(point.weight for point in points if point.density * 10 < 1) / weights.sum()
    assert shares[0] == pytest.approx(100 * rarest, abs=0.06)


def test_the_slider_moves_draws_to_rare_prompts_and_what_stands_out(sampling):
    sampling.page.get_by_label("Shown on the map").select_option("1")
    strength, rarest = sampling.page.get_by_label("Weighting"), sampling.page.locator("#rarest-quarter")
    shares, pictures = [], []
    for value in ("0", "1", "2", "4"):
        strength.fill(value)
        sampling.page.wait_for_function("(value) => document.querySelector('#strength').value === value", arg=value)
        pictures.append(sampling.settle().picture())
        shares.append(_number(rarest.text_content()))
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(25, abs=2)
    assert shares[-1] > shares[0] + 5
    assert len(set(pictures)) == len(pictures)
    strength.fill("0")
    expect(sampling.page.locator("#effective")).to_contain_text("100.0 %")


def test_more_draws_make_more_points_stand_out(sampling):
    draws = sampling.page.get_by_label("Shown on the map")
    areas = []
    for share in ("0.05", "0.25", "1"):
        draws.select_option(share)
        areas.append(sampling.settle().lit_pixels())
    assert areas == sorted(areas)
    assert areas[0] < areas[-1]


def test_a_comparison_counts_what_both_have_and_what_is_new(comparing):
    both = len(TEXTS) - NUM_NEW
    for name, number in (("shared", both), ("new", NUM_NEW), ("gone", NUM_NEW)):
        expect(comparing.page.locator(f"#comparison-{name}")).to_have_text(str(number))


def test_a_comparison_is_drawn_over_the_map_or_as_its_colours(comparing):
    overlay = comparing.picture()
    comparing.page.get_by_label("More or fewer").check()
    ratio = comparing.settle().picture()
    comparing.page.get_by_label("Compare with").select_option("")
    expect(comparing.page.locator("#comparison-shared")).to_be_hidden()
    plain = comparing.settle().picture()
    assert len({overlay, ratio, plain}) == 3


def test_pointing_at_a_point_of_the_other_snapshot_shows_its_text(comparing, store, newer):
    page = comparing.page
    page.get_by_label("Its points").check()
    comparing.settle()
    for number in range(len(TEXTS)):
        place = comparing.viz(f"project({number})") or {"x": 0, "y": 0}
        page.mouse.move(place["x"], place["y"])
        if page.locator(".card").get_by_text("In the other snapshot").is_visible():
            break
    expect(page.locator(".card")).to_contain_text("In the other snapshot")
    texts = Snapshot.open(store.location / newer).prompts()["text"].to_pylist()
    expect(page.locator(".card .card-text")).not_to_have_text("…")
    said = page.locator(".card .card-text").text_content() or ""
    assert any(text.strip().startswith(said.strip("… ")[:20]) for text in texts)
    page.mouse.click(place["x"], place["y"])
    assert comparing.viz("selected") == number, "both snapshots have it: a click selects it"


def test_a_store_of_one_snapshot_says_how_to_get_another(page, built, serve, store):
    only = Snapshot.open(store.location).snapshot_id
    for entry in store.list():
        if entry.snapshot_id != only:
            shutil.rmtree(store.folder(entry.snapshot_id).path)
    MapPage(page).open(serve(store).url)
    page.get_by_role("tab", name="Compare").click()
    expect(page.get_by_text("The store has no other snapshot")).to_be_visible()


def test_texts_of_ones_own_are_placed_beside_prompts_that_mean_the_same(shown, points):
    page = shown.page
    page.get_by_role("tab", name="Compare").click()
    lines = ["How do I bake bread number 1 at home?", "Write a short poem about soup in winter."]
    page.get_by_label("One text a line", exact=False).fill("\n".join(lines))
    front = page.locator("#map .stage > canvas").last
    before = front.screenshot()
    page.get_by_role("button", name="Place", exact=True).click()
    expect(page.get_by_text("2 texts placed.")).to_be_visible()
    assert shown.settle().stage.is_visible()
    assert front.screenshot() != before
    placed = page.get_by_role("region", name="Place your own texts").locator(".briefs li")
    expect(placed).to_have_count(len(lines))
    for number, line in enumerate(lines):
        entry = placed.nth(number)
        expect(entry).to_contain_text(line[:20])
        entry.get_by_role("button", name="Nearest prompt").click()
        wanted = next(at for at, point in enumerate(points) if point.text == line)
        shown.wait("selected", wanted)
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(placed).to_have_count(0)


def test_texts_come_from_a_file_too_and_no_text_is_a_sentence(drawn):
    page = drawn.page
    page.get_by_role("tab", name="Compare").click()
    page.get_by_role("button", name="Place", exact=True).click()
    expect(page.get_by_text("There is no text yet")).to_be_visible()
    content = b'{"text": "bread"}\n\n{"output": "soup"}\nplain cake\n'
    page.locator("#texts-file").set_input_files(
        {"name": "outputs.jsonl", "mimeType": "application/jsonl", "buffer": content}
    )
    expect(page.get_by_text("3 texts placed.")).to_be_visible()
    placed = page.get_by_role("region", name="Place your own texts").locator(".briefs li")
    for text in ("bread", "soup", "plain cake"):
        expect(placed.filter(has_text=text)).to_have_count(1)
