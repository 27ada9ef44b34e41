"""What is written into plots: letters that the font has, no wider than their place, in the style of the plots alone."""

from __future__ import annotations

import matplotlib as mpl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from kat_ray.evaluation.figures import style
from kat_ray.evaluation.figures.style import drawable, fitted, in_style, save

HOSTILE = {
    "markup": "<script>alert(1)</script><b>&amp;",
    "mathematics": r"costs $5 and $\frac{1}{0}$ or \$7 $",
    "emoji": "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f600 \U0001faf6",
    "right to left": "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd",
    "overrides": "\u202egnp.exe \u2066isolated \u202a\u202a",
    "marks": "Z" + "\u0336\u0351" * 200 + "go",
    "han": "\u5bbf\u984c" * 40,
    "wide": "W" * 10_000,
    "lines": "a\nb\r\n\tc\x00\x1b[31m" * 50,
    "surrogate": "half \ud800 of it",
    "nothing": "",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_text_is_drawn_without_a_warning_and_within_its_width(text):
    line = fitted(text, 200.0)
    drawn = _drawn_width(line)
    assert drawn <= 200.0 * 1.01
    assert len(line.splitlines()) <= 1


@in_style
def _drawn_width(line: str) -> float:
    figure = Figure(figsize=(8, 1), dpi=style.DPI)
    canvas = FigureCanvasAgg(figure)
    text = figure.text(0, 0, line)
    canvas.draw()
    return float(text.get_window_extent().width) * 72.0 / style.DPI


def test_dollars_are_dollars():
    assert _drawn_width("$x$") > _drawn_width("x") + 8.0


def test_letters_that_the_font_lacks_become_boxes_and_formatting_goes():
    assert drawable("a\u5bbf\u202eb\u200dc", 20) == "a□bc"
    assert drawable("e\u0301\u0301\u0301\u0301", 20) == "e\u0301\u0301"


def test_a_text_that_fits_stays_whole_and_bold_needs_more_room():
    assert fitted("short", 200.0) == "short"
    line = "no more than what fits into its place"
    assert fitted(line, 100.0).endswith("…")
    assert len(fitted(line, 100.0, is_bold=True)) < len(fitted(line, 100.0))


def test_the_users_own_settings_neither_change_plots_nor_are_changed(tmp_path):
    def draw():
        figure = style.new_figure(2.0)
        figure.add_subplot().set_title("title")
        return figure

    save(in_style(draw)(), tmp_path / "one.png")
    with mpl.rc_context({"font.size": 30.0, "axes.titlesize": 40.0, "text.color": "red", "savefig.bbox": "tight"}):
        save(in_style(draw)(), tmp_path / "two.png")
        assert mpl.rcParams["font.size"] == 30.0
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_a_figure_that_cannot_be_drawn_leaves_no_file(tmp_path):
    class Broken(Figure):
        def savefig(self, *_, **__):
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        save(Broken(), tmp_path / "broken.png")
    assert not list(tmp_path.iterdir())
