"""What is nearest to a few example queries: one bar a document, right ones and wrong ones marked.

Knows texts, similarities and which are right; nothing of vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from kat_ray.evaluation.figures.style import (
    EDGE,
    FAINT,
    MEDIUM,
    NEGATIVE,
    POSITIVE,
    WIDTH,
    fitted,
    head,
    in_style,
    two_digits,
)

_ROW, _TITLE, _GAP, _TOP, _BOTTOM = 0.165, 0.42, 0.14, 0.62, 0.5  # inches
_RANKS, _MARKS, _TEXTS, _TEXTS_END, _BARS_END = 0.25, 0.36, 0.46, 4.1, WIDTH - 0.45


class Bar(NamedTuple):
    """One of the nearest documents."""

    text: str
    similarity: float
    is_right: bool


class Example(NamedTuple):
    """A query and its nearest documents, best first."""

    name: str
    """What stands before the text: `Query 17, own positive at rank 3 of 500`."""
    text: str
    bars: Sequence[Bar]


@in_style
def top_k(examples: Sequence[Example], *, title: str, note: str) -> Figure:
    """One panel an example, of as many rows as it has bars; the page is as high as that needs."""
    heights = [_TITLE + _ROW * max(1, len(example.bars)) for example in examples]
    height = _TOP + _BOTTOM + sum(heights) + _GAP * (len(heights) - 1)
    figure = Figure(figsize=(WIDTH, height))
    head(figure, title, note)
    bottom = height - _TOP
    for example, panel in zip(examples, heights, strict=True):
        bottom -= panel
        place = (_TEXTS_END / WIDTH, bottom / height, (_BARS_END - _TEXTS_END) / WIDTH, (panel - _TITLE) / height)
        _draw_example(figure.add_axes(place), example)
        bottom -= _GAP
    _label_last(figure, height)
    return figure


def _draw_example(axes: Axes, example: Example) -> None:
    for row, bar in enumerate(example.bars):
        color, hatch = (POSITIVE, "") if bar.is_right else (NEGATIVE, "////")
        length = min(max(0.0, bar.similarity), 1.0)
        axes.barh(row, length, 0.75, color=color, hatch=hatch, edgecolor="white", linewidth=0)
        axes.text(length + 0.015, row, two_digits(bar.similarity), va="center")
        weight = "bold" if bar.is_right else "normal"
        text = fitted(bar.text, _inset(_TEXTS) - 6, is_bold=bar.is_right)
        for word, inches, side in ((f"{row + 1}", _RANKS, "right"), ("✓" if bar.is_right else "✗", _MARKS, "center"),
                                   (text, _TEXTS, "left")):  # fmt: skip
            axes.annotate(word, (0, row), xytext=(-_inset(inches), 0), textcoords="offset points", va="center", ha=side,
                          fontweight=weight)  # fmt: skip
    _name(axes, example)
    axes.set(xlim=(0, 1), ylim=(max(1, len(example.bars)) - 0.5, -0.5), yticks=[])
    axes.tick_params(axis="x", labelbottom=False, length=2)
    axes.grid(axis="x")


def _name(axes: Axes, example: Example) -> None:
    """What an example is, in two lines over all of its width."""
    text = fitted(example.text, (WIDTH - 2 * EDGE) * 72.0, MEDIUM, is_bold=True)
    for line, points, style in ((example.name, 17, {"color": FAINT}), (text, 5, {"size": MEDIUM, "weight": "bold"})):
        axes.annotate(line, (0, 1), xytext=(-_inset(EDGE), points), xycoords="axes fraction",
                      textcoords="offset points", **style)  # fmt: skip


def _inset(inches: float) -> float:
    """Points from a place to the left end of the bars."""
    return (_TEXTS_END - inches) * 72.0


def _label_last(figure: Figure, height: float) -> None:
    """The scale under the last panel, and what the bars mean."""
    handles = [Patch(facecolor=POSITIVE, label="✓ relevant"),
               Patch(facecolor=NEGATIVE, hatch="////", edgecolor="white", label="✗ not relevant")]  # fmt: skip
    corner = (1.0, 1.0 - 0.08 / height)
    figure.legend(handles=handles, loc="upper right", bbox_to_anchor=corner, ncols=2)
    if figure.axes:
        figure.axes[-1].tick_params(axis="x", labelbottom=True)
        figure.axes[-1].set_xlabel("cosine similarity")
