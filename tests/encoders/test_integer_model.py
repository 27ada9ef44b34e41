from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kat_ray.encoders.converted_model import converted_model
from kat_ray.encoders.devices import import_openvino
from kat_ray.encoders.encoder import Tokens
from kat_ray.encoders.integer_model import integer_settings, to_integers
from kat_ray.encoders.model_files import ModelFiles, find_model
from kat_ray.errors import EncoderError


@pytest.fixture(scope="module")
def files(save_sentence_model: Callable[..., Path]) -> ModelFiles:
    return find_model(str(save_sentence_model()))


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    rng = np.random.default_rng(3)
    lengths = rng.integers(3, 40, 60).astype(np.int32)
    return Tokens(rng.integers(1000, 20_000, lengths.sum()).astype(np.int32), lengths, lengths)


def _kinds(model: Any) -> list[str]:
    return [node.get_type_name() for node in model.get_ordered_ops()]


def _states(model: Any) -> np.ndarray:
    compiled = import_openvino().Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    ids = np.random.default_rng(5).integers(1000, 20_000, (8, 20))
    return np.array(compiled([ids, np.ones((8, 20), np.int64)])[0])


def test_every_linear_layer_is_in_integers_and_the_states_stay_close(files: ModelFiles, tokens: Tokens) -> None:
    floats = converted_model(files)
    integers = converted_model(files, tokens)
    assert _kinds(integers).count("FakeQuantize") == 4  # query with key and value, attention's output, up, down
    constants = [node for node in integers.get_ordered_ops() if node.get_type_name() == "Constant"]
    assert sum(node.get_element_type().to_string() == "i8" for node in constants) == 6
    before, after = _states(floats), _states(integers)
    assert 0 < np.abs(after - before).max() < 0.1 * np.abs(before).max()
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.999


def test_the_bias_makes_the_mean_of_every_layer_exact_up_to_rounding(files: ModelFiles, tokens: Tokens) -> None:
    before, after = _states(converted_model(files)), _states(converted_model(files, tokens))
    spread = before.reshape(-1, 24).std(axis=0)
    assert (np.abs((after - before).reshape(-1, 24).mean(axis=0)) < 0.05 * spread).all()


def test_equal_tokens_give_an_equal_model_and_others_another(files: ModelFiles, tokens: Tokens) -> None:
    first, second = (_states(to_integers(converted_model(files), tokens, 0)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, _states(converted_model(files, tokens)))
    fewer = Tokens(tokens.ids[: tokens.lengths[0]], tokens.lengths[:1], tokens.lengths[:1])
    assert integer_settings(fewer) != integer_settings(tokens)
    assert (_states(converted_model(files, fewer)) != first).any()


def test_a_model_without_linear_layers_is_refused(tokens: Tokens) -> None:
    import_openvino()
    import openvino
    import openvino.opset13

    ids = openvino.opset13.parameter([-1, -1], np.int64)
    model = openvino.Model([openvino.opset13.relu(ids)], [ids], "empty")
    with pytest.raises(EncoderError, match="no linear layer that int8 knows"):
        to_integers(model, tokens, 0)
