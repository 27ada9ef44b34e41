"""Weights of pairs for a loss: from a snapshot, or from the seeds' files of ids and weights, joined by prompt id.

Needs ids and weights only, no embeddings. How weights are scaled and capped stands in `geometry.weights.loss_weights`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kat_ray.arrays import Float64Vector, require_rows
from kat_ray.client.dataset_weights import WeightSource, weight_table
from kat_ray.errors import InputError
from kat_ray.geometry.weights import LossMode, loss_weights


@dataclass(frozen=True, slots=True, eq=False)
class LossWeights:
    """Weights of P pairs, mean 1 before the cap."""

    values: Float64Vector
    """[P], positive."""
    num_unknown: int
    """Pairs of prompts without a weight; these weigh 1."""


def load_density_mapping(ids_path: str | Path, weights_path: str | Path) -> dict[str, float]:
    """Weight by prompt id, from `ids.json` or `prefixes_all.jsonl` (rows with an id) and `density_weights.npy`.

    Raises:
        InputError: a file that is missing or of another form, another number of ids than of weights, an id twice, or a
            weight that is not a positive number.
    """
    ids, weights = _read_ids(Path(ids_path)), _read_weights(Path(weights_path))
    if len(ids) != len(weights):
        raise InputError(
            f"{ids_path} lists {len(ids):,} ids but {weights_path} has {len(weights):,} weights. They come from "
            "different runs; take both files from one export (python -m jobs.export --formats seeds)."
        )
    mapping = dict(zip(ids, weights.tolist(), strict=True))
    if len(mapping) != len(ids):
        raise InputError(f"{ids_path} lists {len(ids):,} ids, of which {len(mapping):,} differ; expected each id once.")
    return mapping


def pair_loss_weights(
    source: WeightSource | Mapping[str, float],
    ids: Sequence[str],
    weight_mode: LossMode = "mean",
    weight_cap: float | None = None,
) -> LossWeights:
    """Loss weights of pairs whose prompts have these ids [P]: see `geometry.weights.loss_weights`.

    Raises:
        InputError: all pairs are unknown, or the cap is not positive.
    """
    values = prompt_weights(source, ids)
    num_unknown = int(np.count_nonzero(np.isnan(values)))
    if num_unknown == len(ids):
        raise InputError(
            f"None of the {len(ids):,} pairs has a prompt with a weight: the weights are of another data set, or the "
            "prompts were altered before their ids were taken."
        )
    return LossWeights(loss_weights(values, weight_cap, weight_mode), num_unknown)


def prompt_weights(source: WeightSource | Mapping[str, float], ids: Sequence[str]) -> Float64Vector:
    """Weights [B] of prompts; NaN for an unknown one."""
    if isinstance(source, Mapping):
        return np.array([source.get(text, np.nan) for text in ids], np.float64)
    return weight_table(source).lookup(ids).weights


def _read_ids(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8")
        rows: list[Any] = json.loads(text) if path.suffix == ".json" else _lines(text)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a list of ids: {error}.") from error
    ids = [row["id"] if isinstance(row, dict) and "id" in row else row for row in rows]
    if not all(isinstance(identity, str) for identity in ids):
        raise InputError(f"{path} holds something else than ids; expected a JSON list of strings, or lines with an id.")
    return ids


def _lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _read_weights(path: Path) -> Float64Vector:
    try:
        weights = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as an array of weights: {error}.") from error
    require_rows(path.name, weights, ndim=1)
    if weights.dtype.kind != "f" or not (weights > 0.0).all():
        raise InputError(f"{path} holds {weights.dtype} numbers that are no weights; expected positive ones.")
    return np.asarray(weights, np.float64)
