"""How positive and negative similarities are spread: bars at the left, boxes at the right, the same scale of values.

Knows counts and quartiles; nothing of queries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from kat_ray.evaluation.excerpts import Bars, Spread
from kat_ray.evaluation.figures.style import INK, NEGATIVE, POSITIVE, head, in_style, new_figure
from kat_ray.evaluation.measures import separation, separation_rss

_KINDS = (("positive", POSITIVE, "", "--"), ("negative", NEGATIVE, "////", ":"))


@in_style
def distribution(bars: Bars, positive: Spread | None, negative: Spread | None, *, title: str) -> Figure:
    """None: there are no such pairs, as no negatives where every document is relevant."""
    figure = new_figure(3.9)
    histogram, boxes = figure.subplots(1, 2, width_ratios=[2.2, 1.0])
    spreads = {"positive": positive, "negative": negative}
    _draw_bars(histogram, bars, spreads)
    _draw_boxes(boxes, spreads)
    boxes.set_ylim(bars.edges[0], bars.edges[-1])
    head(figure, title, statistics(positive, negative))
    return figure


def statistics(positive: Spread | None, negative: Spread | None) -> str:
    """Means, deviations, margin and both separations in words."""
    told = [
        f"{name} {spread.mean:.4f} ± {spread.deviation:.4f}"
        for name, spread in (("positive", positive), ("negative", negative))
        if spread is not None
    ]
    if positive is not None and negative is not None:
        margin, *deviations = np.array([positive.mean - negative.mean, positive.deviation, negative.deviation])
        by_sum, by_root = separation(margin, *deviations), separation_rss(margin, *deviations)
        told += [f"margin {margin:.4f}", f"separation {by_sum:.2f} (by root sum of squares {by_root:.2f})"]
    text = "; ".join(told)
    return text[:1].upper() + text[1:] or "No pairs"


def _draw_bars(axes: Axes, bars: Bars, spreads: dict[str, Spread | None]) -> None:
    """Shares and not counts: there are as many times more negatives than positives as there are documents."""
    widths = bars.edges[1:] - bars.edges[:-1]
    for (name, color, hatch, dashes), shares in zip(_KINDS, (bars.positive, bars.negative), strict=True):
        axes.bar(
            bars.edges[:-1], shares, widths, align="edge", color=color, alpha=0.7, hatch=hatch, edgecolor="white",
            linewidth=0.3, label=f"{name} pairs",
        )  # fmt: skip
        axes.stairs(shares, bars.edges, color=color, linewidth=1.0)
        if (spread := spreads[name]) is not None:
            axes.axvline(spread.mean, color=INK, ls=dashes, lw=1.2, label=f"mean of {name}: {spread.mean:.3f}")
    axes.set(xlabel="cosine similarity", ylabel="share of the pairs of a kind", xlim=(bars.edges[0], bars.edges[-1]))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.margins(y=0.02)
    axes.grid(axis="y")
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda place: labels[place].startswith("mean"))  # pairs, then their means
    axes.legend([handles[place] for place in order], [labels[place] for place in order],
                loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)  # fmt: skip


def _draw_boxes(axes: Axes, spreads: dict[str, Spread | None]) -> None:
    """Quartiles as boxes, from the 1st to the 99th percentile as whiskers, the mean as a diamond."""
    kinds = [(kind, spread) for kind in _KINDS if (spread := spreads[kind[0]]) is not None]
    stats: list[dict[str, Any]] = [
        {
            "med": spread.median, "q1": spread.lower_quartile, "q3": spread.upper_quartile, "whislo": spread.low,
            "whishi": spread.high, "mean": spread.mean, "label": kind[0],
        }
        for kind, spread in kinds
    ]  # fmt: skip
    diamond = {"marker": "D", "markerfacecolor": "white", "markeredgecolor": INK, "markersize": 4}
    drawn = axes.bxp(
        stats, showfliers=False, showmeans=True, patch_artist=True, widths=0.5, medianprops={"color": INK, "lw": 1.5},
        meanprops=diamond,
    )  # fmt: skip
    for box, (kind, _) in zip(drawn["boxes"], kinds, strict=True):
        box.set(facecolor=kind[1], alpha=0.7, hatch=kind[2])
    axes.set(ylabel="cosine similarity")
    axes.grid(axis="y")
