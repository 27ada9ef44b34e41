"""A transformer without its head, from a checked folder into torch: never remote code, never pickled weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kat_ray.encoders.model_files import ModelFiles
from kat_ray.errors import EncoderError


def load_torch_model(
    files: ModelFiles, *, with_head: bool = False, precision: str = "float32", attention: str | None = None
) -> Any:
    """The model in evaluation mode on the CPU; `with_head` keeps the language model's logits.

    Raises:
        EncoderError: an architecture that transformers does not know, or weights that do not fit config.json.
    """
    from transformers import AutoModel, AutoModelForCausalLM

    family = AutoModelForCausalLM if with_head else AutoModel
    options = {"local_files_only": True, "use_safetensors": True, "trust_remote_code": False, "dtype": precision}
    if attention is not None:
        options["attn_implementation"] = attention
    try:
        with quiet_transformers():
            model, report = family.from_pretrained(files.folder, output_loading_info=True, **options)
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise EncoderError(f"Cannot load the model in {files.folder}: {reason} Get the model again.") from error
    missing = [name for name in report["missing_keys"] if "pooler" not in name]
    if missing:
        raise EncoderError(
            f"{files.folder} lacks {len(missing)} of the weights that config.json asks for, first {missing[0]}; "
            "the model would be random there. Get the model again."
        )
    model.config.use_cache = False
    return model.eval()


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bars and no advice for model authors on the way."""
    from transformers.utils import logging

    had_bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if had_bars:
            logging.enable_progress_bar()
