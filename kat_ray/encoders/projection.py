"""A transformer with a trained linear projection on top: `projection:CHECKPOINT`, or `projection:CHECKPOINT@BASE`.

    CHECKPOINT   a file .pt or .pth, path or URI; what it holds stands in `projection_file`
    BASE         the transformer: a hub id, or a folder with config.json and tokenizer.json; BAAI/bge-m3 by default

A text becomes the mean of its last hidden states, over 512 tokens at most, times the matrix [D, H], plus the bias if
there is one, scaled to unit length. Where the checkpoint holds the transformer too, fine-tuned or not, the base's own
weights need not be there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kat_ray.arrays import Float32Matrix, Int32Vector
from kat_ray.encoders.architecture import TOKEN_LIMIT, empty_id, read_architecture, token_limit, usable_positions
from kat_ray.encoders.batched_encoder import BatchedEncoder, Engine
from kat_ray.encoders.devices import resolve_device, resolve_precision
from kat_ray.encoders.encoder import Encoder, EncoderConfig, EncoderIdentity
from kat_ray.encoders.model_files import ModelFiles, find_model
from kat_ray.encoders.tokenizer import TextTokenizer, TokenizerConfig
from kat_ray.errors import EncoderError
from kat_ray.storage import Location

if TYPE_CHECKING:
    from kat_ray.encoders.projection_file import Projection

DEFAULT_BASE = "BAAI/bge-m3"
"""The transformer of a spec that names none."""

_TARGET = re.compile(r"((?:\w+://[^/]+/)?+.+?\.pth?(?:\?[^@]*)?)(?:@(.+))?")  # an @ before a bucket ends credentials


def load_projection_encoder(config: EncoderConfig) -> Encoder:
    """See `load_encoder`."""
    model = _describe(config)
    from kat_ray.encoders.torch_engine import TorchEngine

    identity, head = model.identity, model.projection
    engine = TorchEngine(
        model.base.files, identity.pooling, identity.precision, model.device, config.threads, weights=head.weights
    )
    tokenizer = _tokenizer(model.base, identity.token_limit, config.threads)
    return BatchedEncoder(identity, tokenizer, _ProjectedEngine(engine, head), head.epoch)


def load_projection_tokenizer(config: EncoderConfig) -> TextTokenizer:
    """See `load_tokenizer`."""
    base = _find_base(config)
    return _tokenizer(base, _token_limit(config, base), config.threads)


def identify_projection_encoder(config: EncoderConfig) -> EncoderIdentity:
    """See `identify_encoder`."""
    return _describe(config).identity


def split_target(target: str) -> tuple[str, str]:
    """The checkpoint and the base of a spec: what follows the first @ after .pt or .pth in the path.

    Raises:
        EncoderError: the file is of another name.
    """
    found = _TARGET.fullmatch(target)
    if found is None:
        raise EncoderError(
            f"Cannot read the projection {str(Location(target))!r}; expected a file that ends in .pt or .pth, and "
            f"after it @BASE where the transformer is not {DEFAULT_BASE}."
        )
    return found[1], found[2] or DEFAULT_BASE


class _ProjectedEngine:
    """An engine whose pooled vectors go through a matrix [D, H] and a bias [D], in float32."""

    def __init__(self, engine: Engine, projection: Projection) -> None:
        self._engine, self._matrix, self._bias = engine, projection.matrix, projection.bias

    @property
    def token_budget(self) -> int:
        return self._engine.token_budget

    def pool(self, ids: Int32Vector, lengths: Int32Vector) -> Float32Matrix:
        projected: Float32Matrix = self._engine.pool(ids, lengths) @ self._matrix.T + self._bias
        return projected


@dataclass(frozen=True, slots=True)
class _Base:
    """The transformer, of which only configuration and tokenizer are known to be there."""

    target: str
    files: ModelFiles
    architecture: Any


@dataclass(frozen=True, slots=True)
class _ProjectedModel:
    base: _Base
    projection: Projection
    identity: EncoderIdentity
    device: str


def _describe(config: EncoderConfig) -> _ProjectedModel:
    from kat_ray.encoders.projection_file import projection_of, read_checkpoint
    from kat_ray.encoders.torch_model import weight_shapes

    device = resolve_device(config)
    pooling = "mean" if config.pooling == "auto" else config.pooling
    if pooling not in ("mean", "cls"):
        raise EncoderError(f"A projection has no {pooling} pooling; choose mean or cls, or leave it out.")
    if config.precision == "int8":
        raise EncoderError("int8 is for sentence models; a projection runs in float32, bfloat16 or float16.")
    checkpoint = read_checkpoint(Location(split_target(config.target)[0]))  # before a hub is asked for the base
    base = _find_base(config)
    width = int(base.architecture.hidden_size)
    projection = projection_of(checkpoint, base.files.name, width, weight_shapes(base.files))
    base = _with_weights(base, projection, checkpoint.location)
    settings = {"pooling": pooling, "normalize": True, "projection": projection.digest}
    identity = EncoderIdentity(
        name=f"projection:{checkpoint.location.name}@{base.files.name}",
        revision=base.files.revision(settings),
        dimension=len(projection.matrix),
        token_limit=_token_limit(config, base),
        pooling=pooling,
        precision=resolve_precision(config, device),
    )
    return _ProjectedModel(base, projection, identity, device)


def _find_base(config: EncoderConfig) -> _Base:
    target = split_target(config.target)[1]
    try:
        files = find_model(target, with_weights=False)
    except EncoderError as error:
        if target != DEFAULT_BASE:
            raise
        raise EncoderError(
            f"{error} That is the base where none is named, by --base-model or projection:CHECKPOINT@BASE."
        ) from error
    return _Base(target, files, read_architecture(files))


def _with_weights(base: _Base, projection: Projection, checkpoint: Location) -> _Base:
    """The base with weights that are known to be there: those of the checkpoint, else its own."""
    if projection.weights is not None:
        return replace(base, files=replace(base.files, weights_hash=projection.digest))
    try:
        return replace(base, files=find_model(base.target))
    except EncoderError as error:
        raise EncoderError(f"{checkpoint} holds a projection alone, and its base cannot be used: {error}") from error


def _token_limit(config: EncoderConfig, base: _Base) -> int:
    shape = base.architecture
    usable = usable_positions(shape.model_type, int(shape.max_position_embeddings), shape.pad_token_id)
    return token_limit(config, TOKEN_LIMIT, usable, base.files.name)


def _tokenizer(base: _Base, limit: int, threads: int) -> TextTokenizer:
    return TextTokenizer(base.files.tokenizer, TokenizerConfig(limit, empty_id=empty_id(base.architecture)), threads)
