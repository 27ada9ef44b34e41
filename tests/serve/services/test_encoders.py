from __future__ import annotations

import logging
import threading
from dataclasses import asdict

import numpy as np
import pytest

from kat_ray.encoders import loading
from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.hashing import HashingEncoder
from serve.refusals import RefusedError
from serve.services.encoders import Encoders

IDENTITY = asdict(HashingEncoder(EncoderConfig(spec="hashing", token_limit=8)).identity)


def test_texts_get_the_vectors_of_that_very_encoder():
    texts = ["one", "two three", "w " * 9]
    encoder = HashingEncoder(EncoderConfig(spec="hashing", token_limit=8))
    embedded = Encoders().embed(IDENTITY, texts)
    np.testing.assert_array_equal(embedded.vectors, encoder.encode(encoder.tokenize(texts)))
    assert embedded.truncated == [False, False, True]


def test_an_encoder_is_loaded_once_for_all_threads(monkeypatch):
    loaded = []
    load = loading.load_encoder
    monkeypatch.setattr(loading, "load_encoder", lambda config: loaded.append(config) or load(config))
    encoders = Encoders(threads=2)
    threads = [threading.Thread(target=encoders.embed, args=(IDENTITY, ["a"])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(config.spec, config.token_limit, config.threads) for config in loaded] == [("hashing", 8, 2)]


@pytest.mark.parametrize(
    "identity",
    [
        {**IDENTITY, "revision": "hashing-0"},
        {**IDENTITY, "precision": "bfloat16"},
        {**IDENTITY, "name": "sentence:nobody/nothing"},
        {"name": "circle", "revision": "1", "dimension": 2, "pooling": "none"},
    ],
)
def test_an_encoder_that_is_not_here_is_refused_and_the_log_says_why(identity, caplog, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with caplog.at_level(logging.WARNING), pytest.raises(RefusedError, match="cannot be embedded here") as refused:
        Encoders().embed(identity, ["the text"])
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "60"})
    assert "not available" in caplog.text
    assert "the text" not in caplog.text


def test_an_encoder_that_failed_to_load_is_tried_again_after_a_minute_only(monkeypatch):
    tried, now, load = [], [0.0], loading.load_encoder

    def fail_first(config: EncoderConfig):
        tried.append(now[0])
        if len(tried) == 1:
            raise OSError("the hub does not answer")
        return load(config)

    monkeypatch.setattr(loading, "load_encoder", fail_first)
    encoders = Encoders(clock=lambda: now[0])
    for now[0] in (0.0, 1.0, 59.0):
        with pytest.raises(RefusedError, match="cannot be embedded here") as refused:
            encoders.embed(IDENTITY, ["a"])
        assert refused.value.headers == {"Retry-After": "60"}
    now[0] = 60.0
    encoders.embed(IDENTITY, ["a"])
    encoders.embed(IDENTITY, ["a"])
    assert tried == [0.0, 60.0]
