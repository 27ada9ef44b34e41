"""Stage 2: prompts become unit rows, on a Ray Data actor pool with one encoder an actor.

A block is one row group of prompts.parquet, so the plan is a pure function of the corpus. A vector belongs to
(text, encoder): rows that a published snapshot already holds are copied, finished blocks of a broken run are kept
below `cache` by the content of their texts, and only the rest is encoded, the blocks with most text first: so the
last ones to be done are short, and no worker waits long for another.
Memory: an actor holds one block; the planning worker 32 bytes a prompt, twice that for every snapshot it looks at;
the driver one small record a block.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
import ray
from ray.util.annotations import RayDeprecationWarning

from kat_ray.arrays import Float32Matrix, Int32Vector
from kat_ray.encoders.encoder import Encoder, EncoderConfig, EncoderIdentity, Precision, Tokens
from kat_ray.encoders.loading import load_encoder, load_tokenizer
from kat_ray.engine.embedding_plan import Block, Places, missing_rows, plan_blocks, reused_rows
from kat_ray.engine.session import count_workers, current_cluster
from kat_ray.engine.tasks import progress_bar, run_attempts, run_task
from kat_ray.snapshot.columns import read_block, write_npy
from kat_ray.storage import Location

_MOST_AT_ONCE = 2  # blocks at an actor, so that it has the next one when it is done


@dataclass(frozen=True, slots=True)
class EmbeddingSummary:
    """What the stage did: rows encoded now, rows reused, rows cut at the token limit."""

    num_embedded: int
    num_reused: int
    num_truncated: int
    seconds: float


def embed(
    prompts: Location,
    work: Location,
    encoder: EncoderConfig,
    identity: EncoderIdentity,
    cache: Location,
    snapshots: Sequence[Location],
    num_workers: int,
) -> EmbeddingSummary:
    """Write embeddings.npy and num_tokens.npy below `work`, row i for row i of the table `prompts`.

    `snapshots` are whole folders whose vectors come from the same encoder. Blocks stay below `cache` until the caller
    removes it, so that a build that fails later embeds nothing again. A finished stage is not done again.

    Raises:
        KatRayError: an encoder that cannot be used, or a snapshot that is taken away while its vectors are copied.
    """
    record = work / "embeddings.json"
    if record.exists():
        done = EmbeddingSummary(**json.loads(record.read_bytes()))
        return replace(done, num_embedded=0, num_reused=done.num_embedded + done.num_reused)
    started = time.perf_counter()
    folder = cache / _cache_name(identity)
    blocks = run_task(plan_blocks, prompts, work, list(snapshots))
    at_hand = _finished(folder)
    reused = sum(block.num_rows if block.key in at_hand else block.num_reused for block in blocks)
    config = replace(encoder, precision=cast(Precision, identity.precision))
    places = Places(prompts, work, folder, tuple(snapshots))
    stage = _EncodingStage(places, config, num_workers, blocks)
    num_truncated = None
    while num_truncated is None:
        run_attempts("embed", stage.remaining, stage.encode)
        num_truncated = run_task(_assemble, places, blocks, identity)
    summary = EmbeddingSummary(
        num_embedded=blocks[-1].stop - reused,
        num_reused=reused,
        num_truncated=num_truncated,
        seconds=time.perf_counter() - started,
    )
    record.write_bytes(json.dumps(asdict(summary)).encode())
    return summary


class _EncodingStage:
    """The blocks of one corpus and how to encode those that are left."""

    def __init__(self, places: Places, encoder: EncoderConfig, num_workers: int, blocks: list[Block]) -> None:
        self._places, self._encoder, self._num_workers, self._blocks = places, encoder, num_workers, blocks

    def remaining(self) -> list[Block]:
        """Blocks to encode that have no file, those with most text first."""
        finished = _finished(self._places.folder)
        left = (block for block in self._blocks if not block.is_reused and block.key not in finished)
        return sorted(left, key=lambda block: -block.num_bytes)

    def encode(self, blocks: Sequence[Block]) -> None:
        """One attempt over `blocks` with as many actors as the cluster can hold now."""
        arguments = (self._places, self._encoder)
        items = [asdict(block) for block in blocks]
        device: Literal["cpu", "gpu"] = "gpu" if self._encoder.device == "gpu" else "cpu"
        num_encoders = min(self._num_workers, count_workers(device), len(items))
        rows = ray.data.from_items(items, override_num_blocks=len(items))
        if device == "gpu":
            # Tokenizing on CPUs ahead of the device; on CPUs the actors do it themselves, since it is 2 % of the work.
            num_tokenizers = min(max(1, current_cluster().num_cpus - 1), len(items))
            rows = _map(rows, len(items), _TokenizeBlock, arguments, num_tokenizers, {"num_cpus": 1})
            rows = _map(rows, len(items), _EncodeBlock, arguments, num_encoders, {"num_gpus": 1, "num_cpus": 0})
        else:
            rows = _map(rows, len(items), _EncodeBlock, arguments, num_encoders, {"num_cpus": 1})
        total = self._blocks[-1].stop
        with progress_bar("embed", total, initial=total - sum(block.num_rows for block in self.remaining())) as bar:
            for row in rows.iter_rows():
                bar.update(row["num_rows"])


def _map(
    rows: Any, num_blocks: int, worker: type, arguments: tuple[Any, ...], num_actors: int, hardware: dict[str, int]
) -> Any:
    """Ray Data over a pool of actors that are not restarted: a lost one ends the attempt, and `run_attempts` goes on.

    At most one block waits at an actor, and none where there are few.

    Ray Data would by itself restart actors and repeat their blocks without bound, see `kat_ray.engine.tasks`; the
    argument that turns this off is deprecated without another in its place.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RayDeprecationWarning)
        at_once = min(_MOST_AT_ONCE, max(1, num_blocks // num_actors))
        pool = ray.data.ActorPoolStrategy(size=num_actors, max_tasks_in_flight_per_actor=at_once)
        return rows.map(worker, fn_constructor_args=arguments, compute=pool, max_restarts=0, **hardware)


class _BlockReader:
    """Reads the texts of a block and the vectors of it that some snapshot already holds."""

    def __init__(self, places: Places, encoder: EncoderConfig) -> None:
        self._places, self._config = places, encoder

    def _missing_texts(self, block: dict[str, Any]) -> list[str]:
        texts = read_block(self._places.prompts, block["index"], ["text"])["text"].to_pylist()
        missing = missing_rows(self._places, block["start"], block["stop"])
        return [text for text, is_missing in zip(texts, missing, strict=True) if is_missing]


class _TokenizeBlock(_BlockReader):
    """Actor on a CPU: adds the tokens of a block to its row."""

    @cached_property
    def _tokenize(self) -> Callable[[Sequence[str]], Tokens]:
        return load_tokenizer(self._config)

    def __call__(self, block: dict[str, Any]) -> dict[str, Any]:
        tokens = self._tokenize(self._missing_texts(block))
        return {**block, "ids": tokens.ids, "lengths": tokens.lengths, "full_lengths": tokens.full_lengths}


class _EncodeBlock(_BlockReader):
    """Actor with one encoder: writes the vectors of a block whole, named by its texts."""

    @cached_property
    def _encoder(self) -> Encoder:
        """Loaded with the first block: what an actor raises while it starts reaches the driver as a lost worker."""
        return load_encoder(self._config)

    def __call__(self, block: dict[str, Any]) -> dict[str, int]:
        if "ids" in block:
            tokens = Tokens(block["ids"], block["lengths"], block["full_lengths"])
        else:
            tokens = self._encoder.tokenize(self._missing_texts(block))
        vectors, num_tokens = reused_rows(self._places, block["start"], block["stop"], self._encoder.identity.dimension)
        missing = missing_rows(self._places, block["start"], block["stop"])
        vectors[missing] = self._encoder.encode(tokens)
        num_tokens[missing] = tokens.full_lengths
        buffer = io.BytesIO()
        np.savez(buffer, embeddings=vectors, num_tokens=num_tokens)
        (self._places.folder / f"{block['key']}.npz").write_bytes(buffer.getvalue())
        return {"num_rows": len(missing)}


def _assemble(places: Places, blocks: list[Block], identity: EncoderIdentity) -> int | None:
    """Worker: stream the blocks into the two columns; returns how many rows were cut at the token limit.

    None when a block is gone: another build of these texts ended meanwhile and took it away.
    """
    num_tokens: list[Int32Vector] = []

    def vectors() -> Iterator[Float32Matrix]:
        for block in blocks:
            found, counts = _taken(places, block, identity.dimension)
            num_tokens.append(counts)
            yield found

    num_rows = blocks[-1].stop
    try:
        write_npy(places.work / "embeddings.npy", vectors(), (num_rows, identity.dimension), np.dtype(np.float32))
    except FileNotFoundError:
        return None
    write_npy(places.work / "num_tokens.npy", iter(num_tokens), (num_rows,), np.dtype(np.int32))
    return int(sum((counts > identity.token_limit).sum() for counts in num_tokens))


def _taken(places: Places, block: Block, dimension: int) -> tuple[Float32Matrix, Int32Vector]:
    if block.is_reused:
        return reused_rows(places, block.start, block.stop, dimension)
    with np.load(io.BytesIO((places.folder / f"{block.key}.npz").read_bytes()), allow_pickle=False) as arrays:
        return arrays["embeddings"], arrays["num_tokens"]


def _finished(folder: Location) -> set[str]:
    return {name.removesuffix(".npz") for name, _ in folder.children() if name.endswith(".npz")}


def _cache_name(identity: EncoderIdentity) -> str:
    content = json.dumps(identity.decisive(), sort_keys=True).encode()
    return f"vectors-{hashlib.blake2b(content, digest_size=8).hexdigest()}"
