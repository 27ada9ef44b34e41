"""Training files for trainers that read files and take no sampler: a drawn epoch for verl, density bands for OpenRLHF.

verl (0.8 on) reads a Parquet file of rows data_source, prompt, ability, reward_model, extra_info: the rows are the
draws themselves, so any order of reading trains on the right shares. OpenRLHF mixes files by probability: each file is
a band of prompts of like weight, drawn evenly within, so a prompt's share is its band's mean and not its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from kat_ray.arrays import Int64Vector
from kat_ray.errors import InputError
from kat_ray.geometry.sampling import draw
from kat_ray.snapshot.columns import PROMPT_BLOCK_ROWS, PROMPTS_SCHEMA, write_parquet
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location

VERL_SCHEMA = pa.schema(
    [
        ("data_source", pa.string()),
        ("prompt", PROMPTS_SCHEMA.field("messages").type),
        ("ability", pa.string()),
        ("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())])),
        (
            "extra_info",
            pa.struct(
                [
                    ("split", pa.string()),
                    ("index", pa.int64()),
                    ("prompt_id", pa.string()),
                    ("snapshot_id", pa.string()),
                    ("epoch", pa.int64()),
                    ("density_percentile", pa.float64()),
                ]
            ),
        ),
    ]
)
"""One row a draw; `extra_info.index` is the prompt's row in the snapshot, so draws of one prompt share it."""


@dataclass(frozen=True, slots=True)
class DensityBands:
    """Files for OpenRLHF, the rarest prompts first."""

    paths: tuple[str, ...]
    """For `--data.prompt_dataset`, joined with commas."""
    probabilities: str
    """For `--data.prompt_probs`: comma-separated, sum 1."""
    largest_error: float
    """How far the share of a prompt is from its weight, at most, as a part of the weight; more bands, less error."""

    @property
    def dataset(self) -> str:
        """The paths with commas between."""
        return ",".join(self.paths)


def write_verl_epoch(
    snapshot: Snapshot,
    path: str | Location,
    num_rows: int | None = None,
    seed: int = 42,
    epoch: int = 0,
    ability: str = "chat",
    ground_truth: str = "",
) -> int:
    """Write one epoch of systematic draws for verl's `data.train_files`, and return its rows.

    Each prompt comes floor or ceil of num_rows * weight times (num_rows None: as many rows as prompts). The file is the
    same for the same snapshot, seed and epoch. Messages are the prompt's; every row has the one ground truth given.

    Raises:
        InputError: the name does not end in .parquet, by which verl knows the format.
        SamplingError: num_rows is negative, or the seed is not a 64-bit number.
    """
    location = path if isinstance(path, Location) else Location(path)
    if not location.name.endswith(".parquet"):
        raise InputError(f"{location} does not end in .parquet; verl reads the format off the name.")
    rows = draw(snapshot.weights, snapshot.num_prompts if num_rows is None else num_rows, "systematic", seed, epoch)
    fixed: dict[str, str | int] = {"split": "train", "snapshot_id": snapshot.snapshot_id, "epoch": epoch}
    reward = {"style": "model" if not ground_truth else "rule", "ground_truth": ground_truth}
    blocks = (_verl_rows(snapshot, block, ability, reward, fixed) for block in _blocks(rows))
    return write_parquet(location, VERL_SCHEMA, blocks, block_rows=PROMPT_BLOCK_ROWS)


def write_density_bands(snapshot: Snapshot, folder: str, num_bands: int = 10) -> DensityBands:
    """Write JSON lines {input, datasource, label, prompt_id, density_percentile}, one file a band of near-equal size.

    `input` is the prompt's messages: start OpenRLHF with --data.apply_chat_template. Within a file prompts come in the
    order of their ids, which is random in all that matters. OpenRLHF ends an epoch when every file was used up once
    (`all_exhausted`), so the crowded band is seen about once; --data.max_samples cuts the mix, and each file.

    Raises:
        InputError: fewer prompts than bands, or a folder whose name OpenRLHF would misread.
    """
    if not 1 <= num_bands <= snapshot.num_prompts:
        raise InputError(f"num_bands is {num_bands}, expected 1 to {snapshot.num_prompts:,}, the number of prompts.")
    if "," in folder or "@" in folder:
        raise InputError(f"The folder {folder!r} has a comma or an @, at which OpenRLHF splits names; choose another.")
    weights = snapshot.weights
    bands = np.array_split(np.argsort(-weights, kind="stable"), num_bands)
    paths = tuple(f"{folder.rstrip('/')}/density_band_{number:02d}.jsonl" for number in range(num_bands))
    for path, band in zip(paths, bands, strict=True):
        _write_lines(snapshot, Location(path), _by_id(snapshot, band))
    shares = np.array([weights[band].sum() for band in bands])
    shares /= shares.sum()
    errors = [np.abs(shares[i] / len(band) / weights[band] - 1.0).max() for i, band in enumerate(bands)]
    return DensityBands(paths, ",".join(repr(float(share)) for share in shares), float(max(errors)))


def _blocks(rows: Int64Vector) -> Iterator[Int64Vector]:
    for start in range(0, len(rows), PROMPT_BLOCK_ROWS):
        yield rows[start : start + PROMPT_BLOCK_ROWS]


def _verl_rows(
    snapshot: Snapshot, rows: Int64Vector, ability: str, reward: dict[str, str], fixed: dict[str, str | int]
) -> pa.Table:
    prompts = snapshot.prompts(rows, ["id", "messages", "source"])
    percentiles = snapshot.density_percentile[rows].tolist()
    numbers = zip(rows.tolist(), prompts["id"].to_pylist(), percentiles, strict=True)
    extra = [{**fixed, "index": row, "prompt_id": name, "density_percentile": place} for row, name, place in numbers]
    columns = [prompts["source"], prompts["messages"], [ability] * len(rows), [reward] * len(rows), extra]
    return pa.table(
        [_as(column, field.type) for column, field in zip(columns, VERL_SCHEMA, strict=True)], schema=VERL_SCHEMA
    )


def _as(column: pa.ChunkedArray | list[object], kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    return column.cast(kind) if isinstance(column, pa.ChunkedArray) else pa.array(column, kind)


def _by_id(snapshot: Snapshot, rows: Int64Vector) -> Int64Vector:
    order = np.argsort(np.asarray(snapshot.ids.take(pa.array(rows)).to_pylist()))
    return rows[order]


def _write_lines(snapshot: Snapshot, location: Location, rows: Int64Vector) -> None:
    with location.open_output() as stream:
        for block in _blocks(rows):
            prompts = snapshot.prompts(block, ["id", "messages", "source"]).to_pylist()
            for prompt, place in zip(prompts, snapshot.density_percentile[block].tolist(), strict=True):
                line = {
                    "input": prompt["messages"],
                    "datasource": prompt["source"],
                    "label": "",
                    "prompt_id": prompt["id"],
                    "density_percentile": place,
                }
                stream.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
