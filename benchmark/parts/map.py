"""The map against a page written the seeds' way, over one snapshot and one service, in one run.

Both pages run in the same Chromium, which draws WebGL in software: what a machine without a graphics card has. The map
draws with the processor there; what it takes by WebGL is stated beside it.
"""

from __future__ import annotations

import statistics
import urllib.request
import zlib
from collections.abc import Iterator, Sequence

from playwright.sync_api import Browser, sync_playwright

from benchmark.browser.chromium import FLAGS, NO_BROWSER, provide_browser
from benchmark.browser.map_pages import MapPage, SeedsPage, Size, Traffic, fresh_page, retained_bytes
from benchmark.browser.pages import built_pages
from benchmark.browser.picking import IdPage, agreement, coverage, random_pixels
from benchmark.figures.findings import Findings
from benchmark.figures.measure import Measure
from benchmark.servers.service import running
from kat_ray.errors import ResourceError

_LOADS = 5
_YAWS = [0.9 + 0.31 * turn for turn in range(20)]
_POSES = [(0.6, 2.9), (2.1, 1.6), (4.4, 0.7), (5.5, 0.25)]
_PICKS = 200
_LEAST_HITS = 10
_COMPARED = 1_500
_PERCENTS = [*range(0, 100, 5)]
_IDLE_MILLISECONDS = 2_000
_PATIENCE_SECONDS = 300
_MEBIBYTE = 1 << 20
_PICTURE_BYTES = 8  # a pixel: colour and depth


def measure_map(snapshot: str) -> Findings:
    """All figures of the map; no bar holds where one page has other points than the other, or picks what is not drawn.

    Raises:
        ResourceError: there is no browser, or the service or the pages cannot be started.
    """
    built_pages()
    chromium = provide_browser()
    if chromium is None:
        raise ResourceError(NO_BROWSER)
    with running(snapshot) as service, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        found = Findings()
        size = _measure_bytes(browser, service, found)
        _measure_loading(browser, service, size, found)
        _measure_use(browser, service, size, found)
        _measure_picking(browser, service, size, found)
        browser.close()
    return found


def _measure_bytes(browser: Browser, service: str, found: Findings) -> Size:
    """Returns the size of the map, which the other pages get too."""
    plain, packed = _json_bytes(service)
    with fresh_page(browser) as page:
        traffic = Traffic(page)
        shown = MapPage(page, service)
        page.wait_for_load_state("networkidle")
        until_drawn = traffic.bytes_until(shown.milliseconds()["drawn"])
        rest = (traffic.bytes_until(float("inf")) - until_drawn) / _MEBIBYTE
        ours, size = until_drawn / _MEBIBYTE, shown.size
    note = f"All that was asked for until every point is drawn; {rest:.2f} MiB come later."
    found.measures.append(Measure.less("first view, against the JSON", "MiB", ours, plain / _MEBIBYTE, 30, note))
    found.measures.append(Measure.less("first view, against its gzip", "MiB", ours, packed / _MEBIBYTE, 10))
    return size


def _json_bytes(service: str) -> tuple[int, int]:
    """Of the seeds' file as it is, and as gzip -6 makes it."""
    plain, packed, packer = 0, 0, zlib.compressobj(6, wbits=31)
    for part in _body(f"{service}/api/embeddings_3d"):
        plain += len(part)
        packed += len(packer.compress(part))
    return plain, packed + len(packer.flush())


def _body(address: str) -> Iterator[bytes]:
    """The first request has the service make the file, as pages that follow find it."""
    with urllib.request.urlopen(address, timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310
        while part := answer.read(_MEBIBYTE):
            yield part


def _measure_loading(browser: Browser, service: str, size: Size, found: Findings) -> None:
    ours, theirs, heaps = [], [], []
    for _ in range(_LOADS):
        with fresh_page(browser) as page:
            shown = MapPage(page, service)
            ours.append(shown.milliseconds())
            heap, points = retained_bytes(page), shown.drawn
        with fresh_page(browser, size) as page:
            seeds = SeedsPage(page, service)
            theirs.append(seeds.milliseconds())
            heaps.append((heap, retained_bytes(page)))
            found.expect(
                points == seeds.points > 0, f"The map draws {points:,} points, the other page has {seeds.points:,}."
            )
    drawn, there = _middle(one["drawn"] for one in ours), _middle(one["there"] for one in theirs)
    ours_fetched, theirs_fetched = (_middle(one["there"] - one["asked"] for one in loads) for loads in (ours, theirs))
    start = _middle(one["asked"] for one in ours)
    buffered = _middle(one["there"] for one in ours)
    note = f"Of ours {start:.0f} ms pass before the first byte is asked for: page, script, panels."
    found.measures += [
        Measure.less("data ready, from its request on", "ms", ours_fetched, theirs_fetched, 20, "In buffers, in both."),
        Measure.less("data ready, from the page's start", "ms", buffered, there, None, note),
        Measure.less("all drawn, to their data ready", "ms", drawn, there, None, "Theirs is not drawn by then."),
    ]
    _measure_heap(heaps, _empty_heaps(browser, service), size, found)


def _measure_heap(heaps: Sequence[tuple[int, int]], empty: tuple[int, int], size: Size, found: Findings) -> None:
    """Our picture, which the processor draws once there are data, is in the heap; theirs is the graphics card's."""
    picture = _PICTURE_BYTES * size[0] * size[1] / _MEBIBYTE
    ours, theirs = (_middle(heap[page] for heap in heaps) / _MEBIBYTE for page in (0, 1))
    ours_empty, theirs_empty = (size / _MEBIBYTE for size in empty)
    note = f"Less that of the same page without data, {ours_empty:.1f} and {theirs_empty:.1f} MiB, and our picture of "
    note += f"{picture:.1f} MiB (colour and depth), which theirs has outside the heap."
    found.measures += [
        Measure.less("heap that the data hold", "MiB", ours - ours_empty - picture, theirs - theirs_empty, 20, note),
        Measure.less("heap in all", "MiB", ours, theirs),
    ]


def _empty_heaps(browser: Browser, service: str) -> tuple[int, int]:
    """Of both pages without data."""
    with fresh_page(browser) as page:
        page.route("**/v1/points**", lambda route: route.abort())
        page.goto(f"{service}/viz")
        page.wait_for_function("() => window.__viz !== undefined")
        page.wait_for_load_state("networkidle")
        ours = retained_bytes(page)
    with fresh_page(browser) as page:
        page.route("**/api/embeddings_3d", lambda route: route.fulfill(json={"points": []}))
        SeedsPage(page, service)
        return ours, retained_bytes(page)


def _measure_use(browser: Browser, service: str, size: Size, found: Findings) -> None:
    pixels = random_pixels(_PICKS, (size[0] // 2, size[1] // 2), seed=1)
    pixels = [(x + size[0] // 4, y + size[1] // 4) for x, y in pixels]  # around the middle, where points are
    with fresh_page(browser, size) as page:
        seeds = SeedsPage(page, service)
        frame = _middle(seeds.frames(_YAWS))
        by_id = seeds.picks_by_id(pixels)
        by_ray = seeds.picks_by_ray(pixels)
    with fresh_page(browser) as page:
        cards = MapPage(page, service, "webgl")
        webgl = cards.frames(_YAWS)
    with fresh_page(browser) as page:
        shown = MapPage(page, service, "canvas")
        canvas = shown.frames(_YAWS)
        picks = shown.picks(pixels)
        idle = shown.idle_frames(_IDLE_MILLISECONDS)
        filters = shown.filters(_PERCENTS)
        found.expect(_falls([visible for _, visible in filters]), "Filters do not leave out any points.")
    fewest = min(sum(point is not None for _, point in one) for one in (picks, by_id))
    found.expect(fewest >= _LEAST_HITS, f"Only {fewest} of {_PICKS} picks found a point.")
    pick, by_buffer = (_middle(one for one, _ in picked) for picked in (picks, by_id))
    found.measures += [
        Measure.less("first frame after a turn", "ms", _middle(canvas[0]), frame, 5, "By the processor."),
        Measure.less("all points after a turn", "ms", _middle(canvas[1]), frame, None, "With waits for the screen."),
        Measure.less("first frame, WebGL", "ms", _middle(webgl[0]), frame),
        Measure.less("all points, WebGL", "ms", _middle(webgl[1]), frame),
        Measure.less("pick, against an id buffer", "ms", pick, by_buffer, 5),
        Measure.less("pick, against three.js' raycaster", "ms", pick, _middle(by_ray)),
        Measure.at_most("filter of all points", "ms", _middle(one for one, _ in filters), 5),
        Measure.at_most("frames in 2 s of rest", "", idle, 0),
    ]


def _measure_picking(browser: Browser, service: str, size: Size, found: Findings) -> None:
    pixels = random_pixels(_COMPARED, size, seed=2)
    with fresh_page(browser) as page, fresh_page(browser, size) as other:
        same = agreement(MapPage(page, service, "webgl"), IdPage(other, service), _POSES, pixels)
    with fresh_page(browser) as page:
        covered = coverage(MapPage(page, service, "canvas"), _POSES, pixels)
    for name, one in (("picked is drawn, by ids", same), ("picked where drawn, canvas", covered)):
        note = f"Of {one.pixels:,} random pixels on points or picks, {len(_POSES)} poses."
        found.measures.append(Measure.at_least(name, "%", 100 * one.share, 98, note))
        found.expect(one.share >= 0.98, "What is picked is not what is drawn.")


def _middle(values: Iterator[float] | Sequence[float]) -> float:
    return statistics.median(values)


def _falls(counts: Sequence[int]) -> bool:
    return list(counts) == sorted(counts, reverse=True) and counts[-1] < counts[0]
