"""A figure knows its bar, and no bar holds where there is a doubt."""

from __future__ import annotations

import pytest

from benchmark.figures.measure import Measure, render


@pytest.mark.parametrize(("ours", "holds"), [(4.9, True), (5.0, True), (5.1, False), (0.0, True)])
def test_less_is_better_by_at_least_as_many_times_as_the_bar_says(ours, holds):
    assert Measure.less("pick", "ms", ours, 25.0, 5).passed is holds


def test_the_ratio_says_how_many_times_better_ours_is():
    assert Measure.less("pick", "ms", 5.0, 25.0).ratio == 5.0
    assert Measure.less("pick", "ms", 0.0, 25.0).ratio is None


def test_a_figure_without_a_bar_neither_holds_nor_fails():
    stated = Measure.less("heap", "MiB", 5.0, 25.0)
    assert stated.passed is None
    assert stated.refused(["Nothing was drawn."]).passed is None


@pytest.mark.parametrize(("share", "holds"), [(97.9, False), (98.0, True), (100.0, True)])
def test_bars_of_ones_own_are_met_at_the_bar(share, holds):
    assert Measure.at_least("picked", "%", share, 98).passed is holds
    assert Measure.at_most("missed", "%", 100 - share, 2).passed is holds


def test_no_bar_holds_when_what_was_measured_is_wrong():
    doubted = Measure.at_most("filter", "ms", 1.0, 5, note="Median.").refused(["Nothing is drawn."])
    assert doubted.passed is False
    assert doubted.note == "Nothing is drawn. Median."


def test_the_table_says_of_each_bar_whether_it_holds_and_stays_within_its_width():
    measures = [
        Measure.less("first view, against the JSON", "MiB", 2.1, 111.0, 30, "Much more comes later. " * 9),
        Measure.at_most("filter of all points", "ms", 7.0, 5),
        Measure.less("heap in all", "MiB", 12.2, 135.0),
    ]
    table = render(measures).splitlines()
    assert max(map(len, table)) <= 88
    told = {line[:20].strip(): line for line in table}
    assert told["first view, against"].endswith("holds")
    assert told["filter of all points"].endswith("FAILS")
    assert "52.9x" in told["first view, against"]
    assert not told["heap in all"].endswith(("holds", "FAILS"))
