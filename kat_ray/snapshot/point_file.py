"""The seeds' point cloud, `embeddings_3d.json`: one object a point with the fields of both of their generations.

`density` is the percentile that people read as "density %" and that sets the size; the raw value and its min-max form
stand beside it. Each axis is scaled to [-1, 1] on its own, as the seeds do, which bends the shape of the layout.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kat_ray.arrays import Float64Vector, Int64Vector
from kat_ray.records import Message, first_user_text, render_text
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location

_COLORS = {
    "hh-rlhf": (0.2, 0.8, 0.2),
    "ultrafeedback-binarized": (0.2, 0.2, 0.8),
    "stack-exchange-preferences": (0.8, 0.2, 0.2),
}
_OTHER_COLOR = (0.5, 0.5, 0.5)
_DECIMALS = 4


class _Previews(NamedTuple):
    """Code points shown of a text."""

    prompt: int
    prefix: int
    reply: int


_FULL = _Previews(prompt=200, prefix=500, reply=100)
_SHORT = _Previews(prompt=100, prefix=100, reply=50)
_MOST_FULL_POINTS = 200_000
"""Above this many points previews are short: 276,000 real prompts then take 130 MB (29 MB gzipped), not 175."""


def write_points(snapshot: Snapshot, out: Location) -> str:
    """Write embeddings_3d.json, compact, one point a line, block by block; return its name."""
    previews = _FULL if snapshot.num_prompts <= _MOST_FULL_POINTS else _SHORT
    name, lead = "embeddings_3d.json", ""
    with (out / name).open_output() as stream:
        stream.write(f'{{"metadata":{_json(_metadata(snapshot, previews))},"points":['.encode())
        for block in _blocks(snapshot, previews):
            stream.write((lead + "\n" + ",\n".join(map(_json, block))).encode())
            lead = ","
        stream.write(b"\n]}\n")
    return name


def _metadata(snapshot: Snapshot, previews: _Previews) -> dict[str, Any]:
    manifest = snapshot.manifest
    sources = list(manifest.diagnostics["sources"])
    return {
        "total_points": snapshot.num_prompts,
        "colors": {source: _color(source) for source in sources},
        "sources": sources,
        "embedding_source": manifest.encoder["name"],
        "embedding_dim": manifest.column("embeddings").shape[1],
        "projection": "UMAP, 3 dimensions, each axis scaled to [-1, 1]",
        "method": "density: mid-rank percentile of 1 / (mean distance to the k nearest others); higher is more crowded",
        "k": manifest.diagnostics["k"],
        "preview_lengths": previews._asdict(),
        "snapshot_id": manifest.snapshot_id,
    }


def _blocks(snapshot: Snapshot, previews: _Previews) -> Iterator[list[dict[str, Any]]]:
    numbers = _numbers(snapshot)
    first_pairs = _first_pairs(snapshot)
    for start, prompts in snapshot.prompt_blocks(["id", "messages", "source", "num_pairs"]):
        rows = slice(start, start + prompts.num_rows)
        replies = _replies(snapshot, first_pairs[rows], previews.reply)
        columns = zip(prompts.to_pylist(), *(column[rows].tolist() for column in numbers.values()), strict=True)
        values = [dict(zip(("prompt", *numbers), column, strict=True)) for column in columns]
        yield [_point(value, reply, previews) for value, reply in zip(values, replies, strict=True)]


def _point(value: dict[str, Any], replies: tuple[str, str], previews: _Previews) -> dict[str, Any]:
    prompt = value.pop("prompt")
    messages = [Message(**message) for message in prompt["messages"]]
    return {
        "id": prompt["id"],
        **value,
        "color": _color(prompt["source"]),
        "source": prompt["source"],
        "prompt": first_user_text(messages)[: previews.prompt],
        "prefix": render_text(messages, "conversation")[: previews.prefix],
        "chosen": replies[0],
        "rejected": replies[1],
        "count": prompt["num_pairs"],
    }


def _numbers(snapshot: Snapshot) -> dict[str, NDArray[Any]]:
    """The numeric fields, rounded to what an eye or a rank can tell apart; digits are most of the compressed file."""
    axes = np.round(2 * _min_max(snapshot.layout.astype(np.float64)) - 1, _DECIMALS)
    percentile = np.round(snapshot.density_percentile, _DECIMALS)
    return {
        "x": axes[:, 0],
        "y": axes[:, 1],
        "z": axes[:, 2],
        "size": np.round(0.5 + 2 * (1 - percentile), _DECIMALS),
        "density": percentile,
        "density_raw": _significant(snapshot.density, 5),
        "density_minmax": _significant(_min_max(snapshot.density), 4),
        "weight": _significant(snapshot.weights, 6),
    }


def _min_max(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each column into [0, 1], reaching both ends; a constant one lies in the middle."""
    low, high = values.min(axis=0), values.max(axis=0)
    return np.where(high > low, (values - low) / np.where(high > low, high - low, 1.0), 0.5)


def _significant(values: Float64Vector, digits: int) -> Float64Vector:
    return np.array([float(f"{value:.{digits}g}") for value in values.tolist()])


def _first_pairs(snapshot: Snapshot) -> Int64Vector:
    """The first pair row of each prompt [N]; -1 where there is none."""
    prompt_rows, first = np.unique(snapshot.pairs(columns=["prompt_row"])["prompt_row"].to_numpy(), return_index=True)
    first_pairs = np.full(snapshot.num_prompts, -1, np.int64)
    first_pairs[prompt_rows] = first
    return first_pairs


def _replies(snapshot: Snapshot, pair_rows: Int64Vector, length: int) -> list[tuple[str, str]]:
    """Previews of both replies of each pair row; empty where a reply or the pair is missing."""
    there = pair_rows >= 0
    pairs = snapshot.pairs(pair_rows[there], ["chosen", "rejected"])
    texts = iter(zip(_previews(pairs["chosen"], length), _previews(pairs["rejected"], length), strict=True))
    return [next(texts) if known else ("", "") for known in there.tolist()]


def _previews(replies: pa.ChunkedArray, length: int) -> list[str]:
    return [(text or "")[:length] for text in replies.to_pylist()]


def _color(source: str) -> tuple[float, float, float]:
    return _COLORS.get(source, _OTHER_COLOR)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
