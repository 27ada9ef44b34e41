"""What a model's configuration says of its input: how many tokens it reads of a text, and what stands for none.

Knows configurations; nothing of weights or of how a device computes.
"""

from __future__ import annotations

from typing import Any

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.model_files import ModelFiles
from kat_ray.errors import EncoderError

TOKEN_LIMIT = 512
"""Tokens read of a text where neither the user nor the model's makers say how many."""

_POSITIONS_AFTER_PADDING = {"camembert", "mpnet", "roberta", "xlm-roberta"}


def read_architecture(files: ModelFiles) -> Any:
    """The configuration as transformers understands it, with one spelling of every setting.

    Raises:
        EncoderError: transformers does not know the architecture.
    """
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(files.folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise EncoderError(f"transformers cannot use config.json in {files.folder}: {reason}") from error


def usable_positions(model_type: str | None, positions: int, pad_id: int | None) -> int:
    """Tokens that a model of so many positions takes; some families count positions from the padding's number on."""
    return positions - (int(pad_id or 0) + 1) if model_type in _POSITIONS_AFTER_PADDING else positions


def token_limit(config: EncoderConfig, own: int, positions: int, name: str) -> int:
    """The limit asked for, else the model's own; never beyond the positions that the model of this name takes.

    Raises:
        EncoderError: more was asked for than the model has positions.
    """
    if config.token_limit is not None and config.token_limit > positions:
        raise EncoderError(f"token_limit is {config.token_limit}, but {name} has {positions} positions.")
    return config.token_limit or min(own, positions)


def empty_id(architecture: Any) -> int | None:
    """The begin token, else the end token, stands for a text without tokens."""
    for token in (architecture.bos_token_id, architecture.eos_token_id):
        if token is not None:
            return int(token[0] if isinstance(token, list) else token)
    return None
