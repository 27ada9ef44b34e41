"""Our encoder the way a build uses it: one process a core with one thread each, blocks of prompts handed out in turn.

Loading the model is not counted, neither here nor for what it is compared with.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.sizes import num_cores
from kat_ray.arrays import Float32Matrix
from kat_ray.encoders.encoder import Encoder, EncoderConfig
from kat_ray.encoders.loading import load_encoder
from kat_ray.snapshot.columns import PROMPT_BLOCK_ROWS

_START_SECONDS = 300
_held: dict[str, Encoder] = {}


@dataclass(frozen=True, slots=True)
class Encoded:
    """Unit rows [B, D], the seconds that they took, and the numbers inside the encoder, such as "bfloat16"."""

    vectors: Float32Matrix
    seconds: float
    precision: str = "float32"

    @property
    def per_second(self) -> float:
        """Texts a second."""
        return len(self.vectors) / self.seconds


def encode_in_processes(config: EncoderConfig, texts: Sequence[str]) -> Encoded:
    """Vectors of the texts, in their order.

    Raises:
        EncoderError, ResourceError: the encoder cannot be had with these options.
    """
    identity = load_encoder(config).identity  # what is wrong is told here; and what it makes for later is made
    blocks = [texts[start : start + PROMPT_BLOCK_ROWS] for start in range(0, len(texts), PROMPT_BLOCK_ROWS)]
    context, count = multiprocessing.get_context("spawn"), min(num_cores(), len(blocks))
    ready = context.Barrier(count + 1)
    with context.Pool(count, _start, (config, texts[:64], ready)) as pool:
        ready.wait(_START_SECONDS)
        started = time.perf_counter()
        vectors = pool.map(_encode, blocks, chunksize=1)
        return Encoded(np.concatenate(vectors), time.perf_counter() - started, identity.precision)


def encode_plainly(folder: str, texts: Sequence[str]) -> Encoded:
    """By SentenceTransformer with its defaults: all cores, batches of 32."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(folder, device="cpu")
    model.encode(list(texts[:32]), show_progress_bar=False)
    started = time.perf_counter()
    vectors = np.asarray(model.encode(list(texts), show_progress_bar=False), np.float32)
    seconds = time.perf_counter() - started
    return Encoded(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), seconds)


def _start(config: EncoderConfig, texts: Sequence[str], ready: Any) -> None:
    _held["encoder"] = load_encoder(config)
    _encode(texts)
    ready.wait(_START_SECONDS)


def _encode(texts: Sequence[str]) -> Float32Matrix:
    encoder = _held["encoder"]
    return encoder.encode(encoder.tokenize(texts))
