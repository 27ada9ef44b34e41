"""The OpenVINO form of a model, in floats or integers, made once a machine and kept in the cache with its checksums.

Converting takes seconds and needs torch; the kept form loads without either. Workers that start together wait for the
first one. A file that does not match its checksum is made again, never used.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kat_ray.encoders.devices import import_openvino
from kat_ray.encoders.encoder import Tokens
from kat_ray.encoders.integer_model import integer_settings, to_integers
from kat_ray.encoders.model_files import ModelFiles, file_hash
from kat_ray.encoders.torch_model import load_torch_model, quiet_transformers
from kat_ray.errors import EncoderError

if TYPE_CHECKING:
    import openvino

_FORM = 1
_LIBRARIES = ("openvino", "torch", "transformers")
_LOG = logging.getLogger(__name__)


def converted_model(files: ModelFiles, calibration: Tokens | None = None) -> openvino.Model:
    """The graph from `input_ids` and `attention_mask` [B, T] to hidden states float32 [B, T, D], any B and T.

    With calibration its linear layers are in integers, in the ranges that those tokens need.

    Raises:
        EncoderError: the model cannot be loaded or converted.
    """
    ov = import_openvino()
    folder = _cache_folder() / _key(files, calibration)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(folder):
            if not _is_whole(folder):
                _keep(ov, _make(ov, files, calibration), folder)
        return ov.Core().read_model(folder / "model.xml")
    except OSError as error:
        _LOG.warning("Cannot keep the converted model in %s (%s); converting at every start.", folder, error)
        return _make(ov, files, calibration)


def _cache_folder() -> Path:
    """KAT_RAY_CACHE, else the user's cache folder."""
    own, common = os.environ.get("KAT_RAY_CACHE"), os.environ.get("XDG_CACHE_HOME")
    base = Path(own) if own else Path(common or Path.home() / ".cache") / "kat-ray"
    return base / "encoders"


def _key(files: ModelFiles, calibration: Tokens | None) -> str:
    libraries = {library: version(library) for library in _LIBRARIES}
    if calibration is None:
        return files.revision({"form": _FORM, **libraries})
    return "int8-" + files.revision({"form": _FORM, **libraries, **integer_settings(calibration)})


def _make(ov: Any, files: ModelFiles, calibration: Tokens | None) -> openvino.Model:
    model = _convert(ov, files)
    if calibration is None:
        return model
    return to_integers(model, calibration, int(files.config.get("pad_token_id") or 0))


def _convert(ov: Any, files: ModelFiles) -> openvino.Model:
    import torch

    class HiddenStates(torch.nn.Module):
        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    ids, mask = torch.ones(2, 8, dtype=torch.int64), torch.ones(2, 8, dtype=torch.int64)
    mask[1, 4:] = 0
    model = HiddenStates(load_torch_model(files))
    try:
        with quiet_transformers(), torch.inference_mode():
            return ov.convert_model(model, example_input=(ids, mask))
    except RuntimeError as error:
        reason = str(error).strip().split("\n")[0]
        raise EncoderError(f"OpenVINO cannot convert {files.name}: {reason} Choose another model, or a GPU.") from error


def _keep(ov: Any, model: openvino.Model, folder: Path) -> None:
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        ov.save_model(model, beside / "model.xml", compress_to_fp16=False)
        sums = {name: file_hash(beside / name) for name in ("model.xml", "model.bin")}
        (beside / "checksums.json").write_text(json.dumps(sums), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    try:
        sums = json.loads((folder / "checksums.json").read_text(encoding="utf-8"))
        whole = all(file_hash(folder / name) == expected for name, expected in sums.items())
    except (OSError, ValueError, AttributeError):
        whole = False
    if folder.exists() and not whole:
        _LOG.warning("The converted model in %s is damaged; converting it again.", folder)
    return whole


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
