"""A causal language model as encoder: the mean of its last hidden states, or of its logits, over a text's tokens.

Texts come rendered; the tokenizer adds its own special tokens and nothing else, and a special token's name inside a
text stays ordinary text. A model whose head is zero (a fresh NanoChat) has good hidden states and useless logits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kat_ray.encoders.architecture import TOKEN_LIMIT, empty_id, read_architecture, token_limit
from kat_ray.encoders.batched_encoder import BatchedEncoder
from kat_ray.encoders.devices import resolve_device, resolve_precision
from kat_ray.encoders.encoder import Encoder, EncoderConfig, EncoderIdentity
from kat_ray.encoders.model_files import ModelFiles, find_model
from kat_ray.encoders.tokenizer import TextTokenizer, TokenizerConfig
from kat_ray.errors import EncoderError


def load_hidden_state_encoder(config: EncoderConfig) -> Encoder:
    """See `load_encoder`."""
    model = _describe(config)
    from kat_ray.encoders.torch_engine import TorchEngine

    identity = model.identity
    engine = TorchEngine(model.files, identity.pooling, identity.precision, model.device, config.threads)
    return BatchedEncoder(identity, _tokenizer(model, config.threads), engine)


def load_hidden_state_tokenizer(config: EncoderConfig) -> TextTokenizer:
    """See `load_tokenizer`."""
    return _tokenizer(_describe(config), config.threads)


def identify_hidden_state_encoder(config: EncoderConfig) -> EncoderIdentity:
    """See `identify_encoder`."""
    return _describe(config).identity


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    files: ModelFiles
    identity: EncoderIdentity
    device: str
    empty_id: int | None


def _describe(config: EncoderConfig) -> _Checkpoint:
    device = resolve_device(config)
    files = find_model(config.target)
    pooling = "mean" if config.pooling == "auto" else config.pooling
    if pooling not in ("mean", "logits"):
        raise EncoderError(f"A checkpoint has no {pooling} pooling; choose mean or logits, or leave it out.")
    if config.precision == "int8":
        raise EncoderError("int8 is for sentence models; a checkpoint runs in float32, bfloat16 or float16.")
    architecture = read_architecture(files)
    identity = EncoderIdentity(
        name=f"checkpoint:{files.name}",
        revision=files.revision({"pooling": pooling, "normalize": True}),
        dimension=_dimension(architecture, pooling),
        token_limit=token_limit(config, TOKEN_LIMIT, int(architecture.max_position_embeddings), files.name),
        pooling=pooling,
        precision=resolve_precision(config, device),
    )
    return _Checkpoint(files, identity, device, empty_id(architecture))


def _tokenizer(model: _Checkpoint, threads: int) -> TextTokenizer:
    settings = TokenizerConfig(model.identity.token_limit, specials_in_text=False, empty_id=model.empty_id)
    return TextTokenizer(model.files.tokenizer, settings, threads)


def _dimension(architecture: Any, pooling: str) -> int:
    if pooling == "mean":
        return int(architecture.hidden_size)
    from kat_ray.encoders.torch_engine import sketch_dimension

    return sketch_dimension(int(architecture.vocab_size))
