"""From the spec of an encoder to the encoder, its tokenizer alone, or its identity.

Knows the names of the kinds and nothing of models: each kind lives in its own module, imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from kat_ray.encoders.encoder import Encoder, EncoderConfig, EncoderIdentity, Tokens
from kat_ray.errors import EncoderError
from kat_ray.storage import Location


def load_encoder(config: EncoderConfig) -> Encoder:
    """An encoder that is ready to run.

    Raises:
        EncoderError: unknown spec; missing, altered or unusable files; options that do not fit the model.
        ResourceError: the device or precision that was asked for is not there.
    """
    if config.kind == "sentence":
        from kat_ray.encoders.sentence import load_sentence_encoder

        return load_sentence_encoder(config)
    if config.kind == "checkpoint":
        from kat_ray.encoders.hidden_state import load_hidden_state_encoder

        return load_hidden_state_encoder(config)
    if config.kind == "projection":
        from kat_ray.encoders.projection import load_projection_encoder

        return load_projection_encoder(config)
    return _hashing_encoder(config)


def load_tokenizer(config: EncoderConfig) -> Callable[[Sequence[str]], Tokens]:
    """The `tokenize` of `load_encoder(config)` alone, on any machine, so that CPUs can work ahead of a GPU.

    Raises:
        EncoderError: as `load_encoder`.
    """
    config = replace(config, device="cpu", precision="float32")
    if config.kind == "sentence":
        from kat_ray.encoders.sentence import load_sentence_tokenizer

        return load_sentence_tokenizer(config)
    if config.kind == "checkpoint":
        from kat_ray.encoders.hidden_state import load_hidden_state_tokenizer

        return load_hidden_state_tokenizer(config)
    if config.kind == "projection":
        from kat_ray.encoders.projection import load_projection_tokenizer

        return load_projection_tokenizer(config)
    return _hashing_encoder(config).tokenize


def identify_encoder(config: EncoderConfig) -> EncoderIdentity:
    """The identity that `load_encoder(config)` has on this machine, from file hashes alone; raises likewise."""
    if config.kind == "sentence":
        from kat_ray.encoders.sentence import identify_sentence_encoder

        return identify_sentence_encoder(config)
    if config.kind == "checkpoint":
        from kat_ray.encoders.hidden_state import identify_hidden_state_encoder

        return identify_hidden_state_encoder(config)
    if config.kind == "projection":
        from kat_ray.encoders.projection import identify_projection_encoder

        return identify_projection_encoder(config)
    return _hashing_encoder(config).identity


def _hashing_encoder(config: EncoderConfig) -> Encoder:
    if config.spec != "hashing":
        raise EncoderError(
            f"Unknown encoder {str(Location(config.spec))!r}; expected sentence:NAME, checkpoint:PATH-or-hub-id, "
            "projection:CHECKPOINT.pt@BASE, or hashing."
        )
    from kat_ray.encoders.hashing import HashingEncoder

    return HashingEncoder(config)
