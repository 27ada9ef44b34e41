from __future__ import annotations

import pickle

import pytest

from kat_ray.errors import InputError
from serve.settings import Limits, ServiceSettings, is_loopback
from serve.tokens import Tokens

TOKEN = "t" * 20


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "gpu7.lab", ""])
def test_a_wider_bind_without_tokens_is_refused_and_the_way_out_is_named(host):
    with pytest.raises(InputError, match="KAT_RAY_READ_TOKENS"):
        ServiceSettings("store", host=host)
    assert ServiceSettings("store", host=host, tokens=Tokens.of([TOKEN])).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_loopback_needs_no_token(host):
    assert is_loopback(host)
    ServiceSettings("store", host=host)


@pytest.mark.parametrize("host", ["127.0.0.1.evil.example", "localhost.evil.example", "2130706433", "0.0.0.0"])
def test_names_that_look_like_loopback_are_none(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "wrong",
    [
        {"snapshot": ""},
        {"port": 70000},
        {"refresh_seconds": 0.0},
        {"threads": 0},
        {"device": "tpu"},
        {"allowed_hosts": ("https://a.example",)},
        {"allowed_hosts": ("a.example:80",)},
        {"cors_origins": ("*",)},
        {"cors_origins": ("https://a.example/path",)},
        {"chat_url": "javascript:alert(1)"},
        {"chat_url": "https://a.example/ x"},
        {"chat_url": 'https://a.example/"onclick'},
    ],
)
def test_values_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError):
        ServiceSettings(**{"snapshot": "store", **wrong})


def test_options_of_a_file_become_settings_with_the_tokens_of_the_environment():
    options = {"snapshot": "store", "refresh_seconds": 1, "allowed_hosts": ["a.example"], "limits": {"ids": 5}}
    settings = ServiceSettings.from_options(options, {"KAT_RAY_PUBLISH_TOKENS": TOKEN})
    assert settings == ServiceSettings(
        "store", refresh_seconds=1.0, allowed_hosts=("a.example",), limits=Limits(ids=5), tokens=Tokens.of([], [TOKEN])
    )
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_the_file_of_tokens_is_kept_to_be_read_again_beside_the_tokens_of_the_environment(tmp_path):
    (tmp_path / "tokens").write_text(f"read {TOKEN}\n")
    options = {"snapshot": "store", "tokens_file": str(tmp_path / "tokens")}
    settings = ServiceSettings.from_options(options, {"KAT_RAY_PUBLISH_TOKENS": 2 * TOKEN})
    assert settings.tokens == Tokens.of([TOKEN], [2 * TOKEN])
    assert settings.lasting_tokens == Tokens.of([], [2 * TOKEN])
    assert settings.tokens_file == options["tokens_file"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "snapshot is missing"),
        ({"snapshot": "s", "prot": 1}, "Unknown option prot"),
        ({"snapshot": "s", "port": "8000"}, "port"),
        ({"snapshot": "s", "port": True}, "port"),
        ({"snapshot": "s", "allowed_hosts": "a.example"}, "allowed_hosts"),
        ({"snapshot": "s", "limits": {"idz": 1}}, "Unknown option idz"),
        ({"snapshot": "s", "limits": {"ids": 0}}, "ids"),
        ({"snapshot": "s", "limits": 3}, "limits"),
        ({"snapshot": "s", "tokens_file": 3}, "tokens_file"),
    ],
)
def test_options_that_cannot_be_read_are_named(options, told):
    with pytest.raises(InputError, match=told):
        ServiceSettings.from_options(options, {})


def test_what_is_shown_of_settings_holds_no_secret():
    settings = ServiceSettings("s3://key:secret@bucket/store", tokens=Tokens.of([TOKEN]))
    assert "secret" not in repr(settings)
    assert TOKEN not in repr(settings)
