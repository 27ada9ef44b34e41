"""A transformer without its head, from a checked folder into torch: never remote code, never pickled weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kat_ray.encoders.architecture import read_architecture
from kat_ray.encoders.model_files import ModelFiles
from kat_ray.errors import EncoderError

UNUSED = "pooler"
"""Part of the names of weights that a model may lack: what they make of the states is never looked at."""


def load_torch_model(
    files: ModelFiles,
    *,
    with_head: bool = False,
    precision: str = "float32",
    attention: str | None = None,
    weights: Mapping[str, Any] | None = None,
) -> Any:
    """The model in evaluation mode on the CPU; `with_head` keeps the language model's logits.

    `weights`: tensors by the names of `weight_shapes`, in the place of those in the folder.

    Raises:
        EncoderError: an architecture that transformers does not know, or weights that do not fit config.json.
    """
    options: dict[str, Any] = {"dtype": precision, "output_loading_info": True}
    if attention is not None:
        options["attn_implementation"] = attention
    try:
        with quiet_transformers():
            if weights is None:
                model, report = _from_folder(files, with_head, options)
            else:
                model, report = _from_weights(files, weights, options)
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise EncoderError(f"Cannot load the model in {files.folder}: {reason} Get the model again.") from error
    missing = [name for name in report["missing_keys"] if UNUSED not in name]
    if missing:
        raise EncoderError(
            f"{files.folder} lacks {len(missing)} of the weights that config.json asks for, first {missing[0]}; "
            "the model would be random there. Get the model again."
        )
    model.config.use_cache = False
    return model.eval()


def weight_shapes(files: ModelFiles) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the model's weights without its head, from config.json alone; no memory is taken."""
    return {name: tuple(tensor.shape) for name, tensor in _empty_model(files).state_dict().items()}


def _from_folder(files: ModelFiles, with_head: bool, options: dict[str, Any]) -> Any:
    from transformers import AutoModel, AutoModelForCausalLM

    family = AutoModelForCausalLM if with_head else AutoModel
    return family.from_pretrained(
        files.folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, **options
    )


def _from_weights(files: ModelFiles, weights: Mapping[str, Any], options: dict[str, Any]) -> Any:
    kind = type(_empty_model(files))
    return kind.from_pretrained(None, config=read_architecture(files), state_dict=dict(weights), **options)


def _empty_model(files: ModelFiles) -> Any:
    """On the device "meta", where tensors have shapes and no content."""
    import torch
    from transformers import AutoModel

    with torch.device("meta"):
        return AutoModel.from_config(read_architecture(files), trust_remote_code=False)


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
