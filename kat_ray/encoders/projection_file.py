"""A checkpoint that holds a projection, as torch.save writes it: its parts told apart by elimination, whatever they are
called.

    a state dict, or a mapping that holds one as `model_state_dict` or `state_dict` (beside `epoch` and the like):
      one matrix [D, H]      the projection
      one vector [D]         its bias, if it has one
      all other tensors      the weights of the transformer, under names with one prefix ("encoder."); or none at all

Nothing of a file can run: it is read with weights_only=True. Knows names and shapes; nothing of texts or devices.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kat_ray.arrays import Float32Matrix, Float32Vector
from kat_ray.encoders.model_files import file_hash
from kat_ray.encoders.torch_model import UNUSED
from kat_ray.errors import EncoderError
from kat_ray.storage import Location

if TYPE_CHECKING:
    import torch

_STATES = ("model_state_dict", "state_dict")
_OLD_BUFFER = "position_ids"  # older versions of transformers saved it
_NAMES_SHOWN = 3
_ADVICE = "If it was trained on another base, name that one: projection:CHECKPOINT@BASE."

_Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """What a checkpoint holds."""

    matrix: Float32Matrix
    """[D, H]."""
    bias: Float32Vector
    """[D]; zeros where there is none."""
    weights: dict[str, torch.Tensor] | None
    """Those of the transformer by its own names; None where the file has none."""
    digest: str
    """SHA-256 of the file in hex."""
    epoch: int | None
    """Of the training, where the file states it."""


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The state dict of a file, of which nothing is known yet."""

    location: Location
    tensors: dict[str, torch.Tensor]
    digest: str
    """SHA-256 of the file in hex."""
    epoch: int | None
    """Of the training, where the file states it."""


def read_checkpoint(location: Location) -> Checkpoint:
    """The tensors of a file by name; a local one is mapped, not held, unless it has the form from before torch 1.6.

    Raises:
        EncoderError: no such file, or not one of plain tensors.
    """
    import torch

    if not location.exists():
        raise EncoderError(f"There is no checkpoint {location}; expected a .pt file of a projection.")
    try:
        if location.is_local:
            path = Path(location.path)
            digest = file_hash(path)
            content = torch.load(path, weights_only=True, map_location="cpu", mmap=zipfile.is_zipfile(path))
        else:
            data = location.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            content = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    except Exception as error:  # damaged archives fail in many ways
        raise EncoderError(
            f"{location} is not a plain mapping of tensors, so nothing was loaded; save it again by "
            "torch.save(model.state_dict(), path)."
        ) from error
    return Checkpoint(location, _tensors(location, content), digest, _epoch(content))


def projection_of(checkpoint: Checkpoint, base: str, width: int, shapes: _Shapes) -> Projection:
    """The projection over a base that gives vectors of `width` numbers and has weights of these names and shapes.

    Raises:
        EncoderError: tensors that do not fit; it says which.
    """
    location, state = checkpoint.location, checkpoint.tensors
    prefix = _prefix(state, shapes)
    own = {name: name.removeprefix(prefix) for name in state if name.startswith(prefix)}
    weights = {inner: state[name] for name, inner in own.items() if inner in shapes}
    matrix, bias = _head(location, base, {name: state[name] for name in state if own.get(name) not in shapes})
    if matrix.shape[1] != width:
        raise EncoderError(
            f"The projection in {location} takes {matrix.shape[1]:,} numbers, but {base} gives {width:,}. {_ADVICE}"
        )
    if weights:
        _require_fitting(location, base, weights, shapes)
    return Projection(matrix, bias, weights or None, checkpoint.digest, checkpoint.epoch)


def _tensors(location: Location, content: Any) -> dict[str, torch.Tensor]:
    import torch

    held = [content[name] for name in _STATES if name in content] if isinstance(content, Mapping) else []
    state = held[0] if held else content
    if not isinstance(state, Mapping) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise EncoderError(
            f"{location} holds no state dict; expected a mapping of names to tensors, or one with {_STATES[0]}."
        )
    return {str(name): tensor for name, tensor in state.items()}


def _epoch(content: Any) -> int | None:
    epoch = content.get("epoch")
    return epoch if type(epoch) is int else None


def _prefix(state: Mapping[str, Any], shapes: _Shapes) -> str:
    """What stands before the names of the transformer's weights."""
    anchor = next(iter(shapes))
    found = [name.removesuffix(anchor) for name in state if name == anchor or name.endswith(f".{anchor}")]
    return min(found, key=len, default="")


def _head(location: Location, base: str, rest: Mapping[str, torch.Tensor]) -> tuple[Float32Matrix, Float32Vector]:
    """The one matrix among the tensors that are none of the transformer's, and its bias."""
    names = [name for name in rest if UNUSED not in name and not name.endswith(_OLD_BUFFER)]
    matrices = [name for name in names if rest[name].ndim == 2]
    biases = [name for name in names if any(_is_bias(name, rest[name], of, rest[of]) for of in matrices)]
    if len(matrices) != 1 or len(matrices) + len(biases) != len(names):
        shown = ", ".join(f"{name} {list(rest[name].shape)}" for name in names[:_NAMES_SHOWN])
        more = ", …" if len(names) > _NAMES_SHOWN else ""
        raise EncoderError(
            f"{location} holds {shown or 'nothing'}{more} besides weights of {base}; expected a linear projection: one "
            f"matrix [D, H] and at most its bias [D]. {_ADVICE}"
        )
    for name in names:
        if not rest[name].isfinite().all():
            raise EncoderError(f"{name} in {location} holds NaN or infinity; take a checkpoint from before that.")
    matrix = _numbers(rest[matrices[0]])
    return matrix, _numbers(rest[biases[0]]) if biases else np.zeros(len(matrix), np.float32)


def _is_bias(name: str, tensor: torch.Tensor, matrix_name: str, matrix: torch.Tensor) -> bool:
    """Whether it is called so, beside its matrix: a scale or a temperature may have the same size."""
    stem, _, last = name.rpartition(".")
    return last in ("bias", "b") and stem == matrix_name.rpartition(".")[0] and tuple(tensor.shape) == (len(matrix),)


def _numbers(tensor: torch.Tensor) -> NDArray[np.float32]:
    return np.asarray(tensor.detach().float().contiguous().numpy())


def _require_fitting(location: Location, base: str, weights: Mapping[str, torch.Tensor], shapes: _Shapes) -> None:
    missing = [name for name in shapes if name not in weights and UNUSED not in name]
    if missing:
        raise EncoderError(
            f"{location} lacks {len(missing):,} of the weights of {base}, first {missing[0]}; expected all of them or "
            f"none. {_ADVICE}"
        )
    for name, tensor in weights.items():
        if tuple(tensor.shape) != shapes[name]:
            raise EncoderError(
                f"{name} in {location} has the shape {list(tensor.shape)}, in {base} it has {list(shapes[name])}. "
                f"{_ADVICE}"
            )
