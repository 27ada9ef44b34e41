from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.loading import identify_encoder, load_encoder, load_tokenizer
from kat_ray.errors import EncoderError


@pytest.mark.parametrize("spec", ["", "nope", "sbert:all-MiniLM-L6-v2", "hashing:512", "sentence", "checkpoint:"])
def test_an_unknown_spec_is_one_clear_error(spec: str) -> None:
    for function in (load_encoder, identify_encoder, load_tokenizer):
        with pytest.raises(EncoderError, match=r"Unknown encoder|There is no model folder"):
            function(EncoderConfig(spec))


@pytest.mark.parametrize(
    "spec",
    [
        "s3://KEY:SECRET@bucket/best.pt",
        "sentence:s3://KEY:SECRET@bucket/model",
        "checkpoint:s3://KEY:SECRET@bucket/model?secret_key=SECRET",
        "projection:s3://KEY:SECRET@bucket/best.ckpt",
        "projection:s3://KEY:SECRET@bucket/best.ckpt@org/base",
        "projection:s3://KEY:SEC.pt@SECRET@bucket/best.ckpt",
    ],
)
def test_credentials_in_a_spec_are_not_shown(spec: str) -> None:
    with pytest.raises(EncoderError) as raised:
        load_encoder(EncoderConfig(spec))
    assert not re.search("KEY|SEC", str(raised.value))


@pytest.mark.parametrize("options", [{"threads": 0}, {"token_limit": 0}])
def test_nonsense_is_refused_when_the_configuration_is_made(options: dict[str, int]) -> None:
    with pytest.raises(EncoderError, match="at least 1"):
        EncoderConfig("hashing", **options)


def test_the_configuration_travels_and_the_identity_is_json() -> None:
    config = EncoderConfig("hashing", token_limit=17)
    assert pickle.loads(pickle.dumps(config)) == config
    identity = identify_encoder(config)
    assert json.loads(json.dumps(asdict(identity)))["token_limit"] == 17
    assert load_encoder(config).identity == identity


def test_the_loaded_encoder_has_the_identity_that_was_foretold() -> None:
    for options in ({"precision": "float32"}, {"token_limit": 32}, {"pooling": "cls"}):
        config = EncoderConfig(device="cpu", **options)
        assert load_encoder(config).identity == identify_encoder(config)


def test_a_tokenizer_alone_gives_the_tokens_of_the_encoder(varied_texts: list[str]) -> None:
    for spec in ("hashing", "all-MiniLM-L6-v2"):
        config = EncoderConfig(spec if spec == "hashing" else f"sentence:{spec}", device="cpu", precision="float32")
        alone, whole = load_tokenizer(config)(varied_texts), load_encoder(config).tokenize(varied_texts)
        for field in ("ids", "lengths", "full_lengths"):
            np.testing.assert_array_equal(getattr(alone, field), getattr(whole, field))
            assert getattr(alone, field).dtype == np.int32


def test_naming_encoders_imports_no_model_library() -> None:
    heavy = "{'torch', 'openvino', 'transformers', 'tokenizers', 'huggingface_hub'}"
    script = f"import sys, kat_ray.encoders.encoder; assert not {heavy} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_tokens_of_a_tokenizing_machine_need_no_gpu_there() -> None:
    tokens = load_tokenizer(EncoderConfig(device="gpu", precision="float16"))(["two words"])
    assert tokens.lengths.tolist() == [4]


def test_no_texts_give_no_rows() -> None:
    encoder = load_encoder(EncoderConfig("hashing"))
    assert encoder.encode(encoder.tokenize([])).shape == (0, 384)
