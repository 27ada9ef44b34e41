"""A flat map of queries and documents: shape and color tell what a point is, a line leads to the own positive.

Knows points and groups; nothing of how a map is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from kat_ray.arrays import Float32Matrix, Int64Vector
from kat_ray.evaluation.figures.style import (
    FAINT,
    OTHER,
    POSITIVE,
    QUERY,
    WIDTH,
    drawable,
    head,
    in_style,
    new_figure,
)
from kat_ray.evaluation.relevance import Relevance

_MOST_LINES = 1000  # more of them cover the map
_AREAS = {"^": 1.7}  # a triangle shows under a circle that lies on it
_ROOM_FOR_MARKERS = 9000.0  # square points that all markers together may cover


class Group(NamedTuple):
    """Points [n, 2] that look alike."""

    name: str
    points: Float32Matrix
    color: str
    marker: str


def groups_of(points: Float32Matrix, relevance: Relevance) -> list[Group]:
    """Queries, positives, and documents that are no query's positive, out of a map's points [Nq + Nd, 2]."""
    queries, documents = points[: relevance.num_queries], points[relevance.num_queries :]
    is_positive = np.zeros(len(documents), np.bool_)
    is_positive[relevance.rows] = True
    groups = [
        Group("other document", documents[~is_positive], OTHER, "s"),
        Group("positive", documents[is_positive], POSITIVE, "^"),
        Group("query", queries, QUERY, "o"),
    ]
    return [group for group in groups if len(group.points)]


def own_lines(points: Float32Matrix, own_rows: Int64Vector) -> Float32Matrix:
    """Ends [Nq, 2, 2] of the lines from each query to its own positive."""
    num_queries = len(own_rows)
    return np.stack([points[:num_queries], points[num_queries:][own_rows]], axis=1)


@in_style
def projection(
    groups: Sequence[Group], *, method: str, title: str, note: str, lines: Float32Matrix | None = None
) -> Figure:
    """Groups in order, the last one on top; `lines` [L, 2, 2] lie below them, when there are at most 1,000.

    Both axes have one scale, and the page is as high as the map then needs.
    """
    figure = new_figure(_height(np.concatenate([group.points for group in groups])))
    axes = figure.add_subplot()
    if lines is not None and len(lines) <= _MOST_LINES:
        axes.add_collection(LineCollection(list(lines), colors=FAINT, linewidths=0.4, alpha=0.45, zorder=1))
    size = float(np.clip(_ROOM_FOR_MARKERS / max(1, sum(len(group.points) for group in groups)), 5.0, 36.0))
    for group in groups:
        area = size * _AREAS.get(group.marker, 1.0)
        label = f"{drawable(group.name, 40)} ({len(group.points):,})"
        axes.scatter(
            group.points[:, 0], group.points[:, 1], s=area, c=group.color, marker=group.marker, label=label,
            alpha=0.85, linewidths=0.3, edgecolors="white", zorder=2,
        )  # fmt: skip
    axes.set(xlabel=f"{method} 1", ylabel=f"{method} 2", xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.03)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, markerscale=max(1.0, 5.0 / size**0.5))
    head(figure, title, note)
    return figure


def _height(points: Float32Matrix) -> float:
    """Inches of a figure whose map is as wide as the page, within limits."""
    width, height = np.ptp(points, axis=0) if len(points) else (1.0, 1.0)
    return float(np.clip(WIDTH * height / max(width, 1e-9), 3.0, 6.0)) + 1.2
