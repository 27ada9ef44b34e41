"""How all plots look: colors that any color vision tells apart, sizes for print, and letters that the font has.

Knows matplotlib; nothing of evaluations. Colors are those of Okabe and Ito (2008); what they tell, shapes, hatches or
words tell too.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import category

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.layout_engine import ConstrainedLayoutEngine

from kat_ray.evaluation.labels import one_line
from kat_ray.storage import Location

QUERY, POSITIVE, NEGATIVE, OTHER = "#0072B2", "#009E73", "#D55E00", "#E69F00"
INK, FAINT = "#222222", "#6B6B6B"
WIDTH = 7.2
"""Inches: the width of a page, at which text keeps its size."""
SMALL, MEDIUM, LARGE = 8.0, 9.0, 11.0
"""Sizes of text in points."""
EDGE = 0.1
"""Inches between the edge of a figure and what stands in it."""
DPI = 300

_FONT = "DejaVu Sans"  # comes with matplotlib
_NO_GLYPH = "\u25a1"
_MOST_LETTERS = 200
_NOTE_CHARACTERS = 120
_MOST_MARKS = 2  # combining marks in a row; more of them climb over other lines
_STYLE: Any = {  # mypy wants each key as a literal
    "font.family": [_FONT],
    "font.size": SMALL,
    "text.usetex": False,
    "text.color": INK,
    "text.parse_math": False,
    "axes.titlesize": MEDIUM,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": MEDIUM,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "hatch.linewidth": 0.5,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.bbox": None,
}

Draw = Callable[..., Figure]


def in_style(draw: Draw) -> Draw:
    """Decorates what draws or saves a figure: the style holds whatever the user's own settings are."""
    return mpl.rc_context(_STYLE)(draw)


def new_figure(height: float) -> Figure:
    """An empty figure as wide as a page and so many inches high, which belongs to no window."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


@mpl.rc_context(_STYLE)
def save(figure: Figure, path: Path) -> None:
    """Write a PNG of 300 dots an inch, whole or not at all; the same figure gives the same bytes."""
    with Location(str(path)).open_output() as stream:
        figure.savefig(stream, format="png", dpi=DPI, metadata={"Software": None})


def head(figure: Figure, title: str, note: str) -> None:
    """A title and small print below it, which the plots of a constrained layout leave room for."""
    height = figure.get_figheight()
    lines = textwrap.wrap(note, _NOTE_CHARACTERS)
    left = EDGE / figure.get_figwidth()
    figure.text(left, 1 - 0.1 / height, title, fontsize=LARGE, fontweight="bold", va="top")
    figure.text(left, 1 - 0.34 / height, "\n".join(lines), color=FAINT, va="top", linespacing=1.3)
    if isinstance(engine := figure.get_layout_engine(), ConstrainedLayoutEngine):
        engine.set(rect=(0, 0, 1, 1 - (0.42 + 0.145 * len(lines)) / height))


def sign(figure: Figure, text: str) -> None:
    """Say at the foot, on one line, what a figure is of: it may be seen without the folder that it came in."""
    height = figure.get_figheight()
    room = 0.2 / height
    line = fitted(text, (WIDTH - 2 * EDGE) * 72.0)
    figure.text(EDGE / WIDTH, 0.06 / height, line, color=FAINT, fontsize=SMALL, va="bottom")
    if isinstance(engine := figure.get_layout_engine(), ConstrainedLayoutEngine):
        left, bottom, width, high = engine.get()["rect"]
        engine.set(rect=(left, bottom + room, width, high - room))


def two_digits(value: float) -> str:
    """A number as cells and bars show it, without a minus before 0.00."""
    return f"{round(value, 2) + 0.0:.2f}"


def drawable(text: str, limit: int) -> str:
    """One line of at most `limit` characters that the font has; others become boxes, formatting characters go."""
    kept: list[str] = []
    marks = 0
    for letter in one_line(text, limit):
        kind = category(letter)
        marks = marks + 1 if kind.startswith("M") else 0
        if kind not in ("Cf", "Cc") and marks <= _MOST_MARKS:
            kept.append(letter if ord(letter) in _glyphs() else _NO_GLYPH)
    return "".join(kept)


def fitted(text: str, width: float, size: float = SMALL, *, is_bold: bool = False) -> str:
    """The `drawable` text, cut with an ellipsis so that it is no wider than `width` points at a size in points."""
    line = drawable(text, _MOST_LETTERS)
    room = width - _advance("…", is_bold) * size
    for place, letter in enumerate(line):
        room -= _advance(letter, is_bold) * size
        if room < 0:
            return f"{line[:place].rstrip(' …')}…"
    return line


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(_font(False).get_charmap()) & frozenset(_font(True).get_charmap())


@cache
def _advance(letter: str, is_bold: bool) -> float:
    """Width of a letter in sizes."""
    font = _font(is_bold)
    font.set_size(100.0, 72.0)
    return float(font.load_char(ord(letter)).linearHoriAdvance) / 65536.0 / 100.0


def _font(is_bold: bool) -> Any:
    return get_font(findfont(FontProperties(family=_FONT, weight="bold" if is_bold else "normal")))
