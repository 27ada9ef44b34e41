"""Similarities of queries and documents as colored cells, and beside them whether the own one wins.

Knows a block of numbers; nothing of vectors. Red, yellow and green are not told apart by everyone, so the strip at the
right tells the same by place: the own positive should stand to the right of the nearest other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from kat_ray.arrays import Float32Matrix
from kat_ray.evaluation.excerpts import Block
from kat_ray.evaluation.figures.style import (
    FAINT,
    INK,
    NEGATIVE,
    POSITIVE,
    drawable,
    head,
    in_style,
    new_figure,
    two_digits,
)

COLORS = "RdYlGn"
LOW, CENTER, HIGH = 0.0, 0.5, 1.0
_CELLS_WITH_NUMBERS = 10
_LABEL_INCHES = 0.36
_MAP_INCHES = 4.4


@in_style
def heatmap(
    block: Block, query_names: Sequence[str], document_names: Sequence[str], *, title: str, note: str
) -> Figure:
    """Cells [n, m] from 0 to 1 around 0.5; below 0 looks like 0. Names are cut; of many, some are shown."""
    figure = new_figure(5.9)
    cells, strip = figure.subplots(1, 2, width_ratios=[4.0, 1.2], sharey=True)
    image = cells.imshow(
        block.similarities, cmap=COLORS, norm=TwoSlopeNorm(CENTER, LOW, HIGH), aspect="auto", interpolation="nearest"
    )
    _name_rows(cells, query_names, document_names)
    if max(block.similarities.shape) <= _CELLS_WITH_NUMBERS:
        _write_numbers(cells, block.similarities)
    _mark_shared(cells, block)
    figure.colorbar(image, ax=cells, location="bottom", fraction=0.05, pad=0.02, aspect=40, label="cosine similarity")
    _draw_strip(strip, block)
    head(figure, title, note)
    return figure


def _name_rows(axes: Axes, query_names: Sequence[str], document_names: Sequence[str]) -> None:
    """Names of rows at the left and of columns on top."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.xaxis.tick_top()
    rows, columns = _shown(len(query_names)), _shown(len(document_names))
    axes.set_yticks(rows, [drawable(query_names[row], 14) for row in rows])
    names = [drawable(document_names[column], 14) for column in columns]
    axes.set_xticks(columns, names, rotation=90 if max(map(len, names), default=0) > 4 else 0)


def _shown(count: int) -> range:
    """Every place, or every second, fifth, tenth …, so that names do not touch."""
    least = count * _LABEL_INCHES / _MAP_INCHES
    return range(0, count, next(step for step in (1, 2, 5, 10, 20, 50, count + 1) if step >= least))


def _write_numbers(axes: Axes, similarities: Float32Matrix) -> None:
    for (row, column), value in np.ndenumerate(similarities):
        color = INK if 0.15 < value < 0.9 else "white"
        axes.text(column, row, two_digits(float(value)), ha="center", va="center", color=color)


def _mark_shared(axes: Axes, block: Block) -> None:
    """A ring where a document of another query is relevant too: it should be as high as the diagonal."""
    rows, columns = np.nonzero(block.relevant)
    apart = rows != columns
    axes.plot(columns[apart], rows[apart], "o", mfc="none", mec=INK, ms=4, mew=0.8, gid="also relevant")


def _draw_strip(axes: Axes, block: Block) -> None:
    """The own similarity of each query and its highest one with a document that is not relevant to it."""
    rows = np.arange(len(block.similarities))
    others = np.where(block.relevant, -np.inf, block.similarities).max(axis=1, initial=-np.inf)
    own = np.where(block.relevant, block.similarities, -np.inf).max(axis=1, initial=-np.inf)
    has_both = np.isfinite(others) & np.isfinite(own)
    axes.hlines(rows[has_both], others[has_both], own[has_both], colors=FAINT, linewidths=0.5)
    axes.plot(own, rows, "^", color=POSITIVE, ms=4, ls="none", label="own positive")
    axes.plot(others, rows, "x", color=NEGATIVE, ms=4, ls="none", label="highest other")
    lowest = min([LOW, *own[np.isfinite(own)], *others[np.isfinite(others)]])
    axes.set(xlim=(lowest - 0.04, HIGH + 0.04), xlabel="cosine similarity")
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), handletextpad=0.2)
