from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kat_ray.encoders import converted_model as module
from kat_ray.encoders.converted_model import converted_model
from kat_ray.encoders.devices import import_openvino
from kat_ray.encoders.model_files import ModelFiles, find_model
from kat_ray.errors import EncoderError


@pytest.fixture
def files(save_sentence_model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelFiles:
    monkeypatch.setenv("KAT_RAY_CACHE", str(tmp_path / "cache"))
    return find_model(str(save_sentence_model()))


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[ModelFiles]:
    """The conversions that were made."""
    made: list[ModelFiles] = []
    convert = module._convert

    def counted(ov: Any, files: ModelFiles) -> Any:
        made.append(files)
        return convert(ov, files)

    monkeypatch.setattr(module, "_convert", counted)
    return made


def _states(model: Any) -> np.ndarray:
    compiled = import_openvino().Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.array(compiled([np.array([[5, 6, 7]]), np.ones((1, 3), np.int64)])[0])


def _kept_file(tmp_path: Path, name: str) -> Path:
    (path,) = (tmp_path / "cache").rglob(name)
    return path


def test_a_model_is_converted_once(files: ModelFiles, conversions: list[ModelFiles]) -> None:
    first, second = _states(converted_model(files)), _states(converted_model(files))
    np.testing.assert_array_equal(first, second)
    assert len(conversions) == 1


@pytest.mark.parametrize("name", ["model.bin", "model.xml", "checksums.json"])
def test_a_damaged_file_is_made_again(
    files: ModelFiles,
    conversions: list[ModelFiles],
    tmp_path: Path,
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = _states(converted_model(files))
    path = _kept_file(tmp_path, name)
    path.write_bytes(path.read_bytes()[:-9])
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(_states(converted_model(files)), before)
    assert len(conversions) == 2
    assert "damaged" in caplog.text


def test_workers_that_start_together_convert_once(files: ModelFiles, conversions: list[ModelFiles]) -> None:
    with ThreadPoolExecutor(3) as pool:
        models = list(pool.map(converted_model, [files] * 3))
    assert len(conversions) == 1
    assert len(models) == 3


def test_a_cache_that_cannot_be_written_costs_time_only(
    files: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("KAT_RAY_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        assert _states(converted_model(files)).shape == (1, 3, 24)
    assert "converting at every start" in caplog.text


def test_a_model_that_cannot_be_converted_is_one_error(files: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no such operation\nlong log")

    monkeypatch.setattr(import_openvino(), "convert_model", fail)
    with pytest.raises(EncoderError, match=r"OpenVINO cannot convert tiny: no such operation Choose"):
        converted_model(files)


def test_nothing_is_left_beside_the_kept_model(files: ModelFiles, tmp_path: Path) -> None:
    converted_model(files)
    names = {path.name for path in (tmp_path / "cache" / "encoders").iterdir() if path.is_dir()}
    assert len(names) == 1
    assert not names.pop().startswith(".")
