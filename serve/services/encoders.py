"""Encoders for unseen text, one for each identity that a served snapshot was made with, loaded when first needed.

A snapshot only gets an encoder that gives its own vectors: the same weights, tokenizer, pooling, precision and limit.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from kat_ray.arrays import Float32Matrix
from kat_ray.encoders.encoder import Device, Encoder, EncoderConfig, EncoderIdentity
from kat_ray.errors import EncoderError, ResourceError
from serve.refusals import RefusedError

LOG = logging.getLogger("kat_ray.serve")
_RETRY_SECONDS = 60


class Embedded(NamedTuple):
    """Unit rows [B, D] of texts, and which of them [B] were cut at the encoder's limit."""

    vectors: Float32Matrix
    truncated: list[bool]


class Encoders:
    """All encoders of a process; each runs one batch of texts at a time. One that failed to load is tried again after a
    minute only, since a look at the hub may take long."""

    def __init__(
        self,
        spec: str | None = None,
        device: Device = "auto",
        threads: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spec = spec
        self._device = device
        self._threads = threads
        self._lock = threading.Lock()
        self._clock = clock
        self._loaded: dict[EncoderIdentity, Encoder] = {}
        self._failed: dict[EncoderIdentity, float] = {}

    def embed(self, identity: dict[str, Any], texts: Sequence[str]) -> Embedded:
        """Vectors of texts as the encoder of this identity (a manifest's `encoder`) makes them.

        Raises:
            RefusedError: it is not on this machine, or what is found under its name is another one.
        """
        with self._lock:
            encoder = self._find(identity)
            tokens = encoder.tokenize(list(texts))
            return Embedded(encoder.encode(tokens), (tokens.full_lengths > tokens.lengths).tolist())

    def _find(self, stated: dict[str, Any]) -> Encoder:
        try:
            identity = EncoderIdentity(**stated)
            if identity not in self._loaded:
                self._loaded[identity] = self._try(stated, identity)
            return self._loaded[identity]
        except (EncoderError, ResourceError, TypeError, OSError) as error:
            LOG.warning("The encoder of the snapshot is not available: %s", error)
            raise _refusal(stated) from None

    def _try(self, stated: dict[str, Any], identity: EncoderIdentity) -> Encoder:
        now = self._clock()
        if now < self._failed.get(identity, now):
            raise _refusal(stated)
        try:
            return self._load(identity)
        except Exception:
            self._failed[identity] = self._clock() + _RETRY_SECONDS
            raise

    def _load(self, identity: EncoderIdentity) -> Encoder:
        from kat_ray.encoders.loading import identify_encoder, load_encoder
        from kat_ray.encoders.spec import shown_spec

        config = EncoderConfig(
            spec=self._spec or identity.name,
            device=self._device,
            precision=identity.precision,  # type: ignore[arg-type]
            pooling=identity.pooling if identity.name.startswith("checkpoint:") else "auto",  # type: ignore[arg-type]
            token_limit=identity.token_limit,
            threads=self._threads,
        )
        found = identify_encoder(config)
        if found.decisive() != identity.decisive():
            raise EncoderError(f"{shown_spec(config.spec)} is {found}, but the snapshot was made with {identity}.")
        return load_encoder(config)


def _refusal(stated: dict[str, Any]) -> RefusedError:
    return RefusedError(
        503,
        f"Unseen text cannot be embedded here: the snapshot's encoder, {str(stated['name'])[:120]} of revision "
        f"{str(stated['revision'])[:12]}, is not available. Start the service where it is, or name its folder "
        "in the option encoder; the service's log says what was found.",
        _RETRY_SECONDS,
    )
