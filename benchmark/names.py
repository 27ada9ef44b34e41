"""The parts of the benchmark by name, in the order in which a full run measures them."""

from __future__ import annotations

from typing import Literal, get_args

Part = Literal[
    "embed",
    "int8",
    "exact",
    "approximate",
    "layout",
    "build",
    "memory",
    "overhead",
    "growth",
    "draws",
    "http",
    "map",
]
PARTS: tuple[Part, ...] = get_args(Part)
BUILDING: tuple[Part, ...] = ("build", "memory", "growth")
"""Need a build of this run, even where a snapshot is given."""
READING: tuple[Part, ...] = ("exact", "approximate", "layout")
"""Measure on a snapshot: the one that this run builds, else the given one."""
SHOWING: tuple[Part, ...] = ("draws", "http", "map")
"""Use a snapshot: the given one, else the one that this run builds."""
