"""How a corpus is cut into blocks to embed, and which of its rows snapshots already have.

Knows tables of prompts, their hashes and the columns of snapshots; nothing of encoders or Ray.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyarrow import parquet as pq

from kat_ray.arrays import Float32Matrix, Int32Vector
from kat_ray.engine.same_texts import find_rows, text_hashes
from kat_ray.snapshot.columns import PROMPT_BLOCK_ROWS, read_npy, read_npy_rows, write_npy
from kat_ray.storage import Location


@dataclass(frozen=True, slots=True)
class Block:
    """A run of prompt rows; `key` is the hash of their texts and names the block's file."""

    index: int
    start: int
    stop: int
    key: str
    num_reused: int
    num_bytes: int  # of text

    @property
    def num_rows(self) -> int:
        """Rows of the block."""
        return self.stop - self.start

    @property
    def is_reused(self) -> bool:
        """Snapshots have all its rows."""
        return self.num_reused == self.num_rows

    def __str__(self) -> str:
        return f"rows {self.start:,} to {self.stop - 1:,}"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the stage reads and writes: the table, the columns, the finished blocks, the snapshots to copy from."""

    prompts: Location
    work: Location
    folder: Location
    snapshots: tuple[Location, ...]


def plan_blocks(prompts: Location, work: Location, snapshots: list[Location]) -> list[Block]:
    """Worker: cut the corpus into blocks and find rows that snapshots already hold; newer snapshots go first."""
    hashes = text_hashes(prompts)
    reuse = np.full((len(hashes), 2), -1, np.int64)
    for number, snapshot in enumerate(snapshots):
        wanted = np.flatnonzero(reuse[:, 0] < 0)
        rows = find_rows(hashes[wanted], text_hashes(snapshot / "prompts.parquet"))
        found = wanted[rows >= 0]
        reuse[found, 0], reuse[found, 1] = number, rows[rows >= 0]
    write_npy(work / "reuse.npy", iter([reuse]), reuse.shape, np.dtype(np.int64))
    blocks, num_bytes = [], _text_bytes(prompts)
    for index, start in enumerate(range(0, len(hashes), PROMPT_BLOCK_ROWS)):
        stop = min(start + PROMPT_BLOCK_ROWS, len(hashes))
        key = hashlib.blake2b(hashes[start:stop].tobytes(), digest_size=16).hexdigest()
        blocks.append(Block(index, start, stop, key, int((reuse[start:stop, 0] >= 0).sum()), num_bytes[index]))
    return blocks


def missing_rows(places: Places, start: int, stop: int) -> NDArray[np.bool_]:
    """The rows of a block that no snapshot holds."""
    return np.asarray(read_npy(places.work / "reuse.npy", start, stop)[:, 0] < 0)


def reused_rows(places: Places, start: int, stop: int, dimension: int) -> tuple[Float32Matrix, Int32Vector]:
    """Vectors and numbers of tokens of a block, of the rows that snapshots hold; the others are to be filled in."""
    snapshot, rows = np.asarray(read_npy(places.work / "reuse.npy", start, stop)).T
    vectors, num_tokens = np.empty((stop - start, dimension), np.float32), np.empty(stop - start, np.int32)
    for number in np.unique(snapshot[snapshot >= 0]):
        wanted, folder = snapshot == number, places.snapshots[number]
        vectors[wanted] = read_npy_rows(folder / "embeddings.npy", rows[wanted])
        num_tokens[wanted] = read_npy_rows(folder / "num_tokens.npy", rows[wanted])
    return vectors, num_tokens


def _text_bytes(prompts: Location) -> list[int]:
    """Of each row group, as its metadata have it."""
    with prompts.open_input() as stream:
        metadata = pq.read_metadata(stream)
    place = metadata.schema.names.index("text")
    return [
        metadata.row_group(number).column(place).total_uncompressed_size for number in range(metadata.num_row_groups)
    ]
