"""What a caller is told when something is wrong, and what nobody is told."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from kat_ray.errors import (
    EncoderError,
    InputError,
    ResourceError,
    SamplingError,
    SnapshotDamagedError,
)
from kat_ray.storage import Location
from serve.errors import describe_invalid
from serve.services.weights import WeightsService
from tests.serve.corpus import IDS
from tests.serve.routes.test_exposures import REPORT

SECRET_WORD = "xylophone-4711"


@pytest.mark.parametrize(
    ("route", "body", "told"),
    [
        ("/v1/draws", {}, "body.n: it is missing"),
        ("/v1/draws", {"n": "5"}, "body.n: input should be a valid integer"),
        ("/v1/draws", {"n": 0}, "greater than or equal to 1"),
        ("/v1/draws", {"n": 1, "seed": -1}, "body.seed"),
        ("/v1/draws", {"n": 1, "seed": 2**64}, "body.seed"),
        ("/v1/draws", {"n": True}, "body.n"),
        ("/v1/draws", {"n": 1, "method": "alias"}, "'systematic', 'with_replacement' or 'without_replacement'"),
        ("/v1/draws", [], "send a JSON object"),
        ("/v1/weights", {"ids": []}, "at least 1 item"),
        ("/v1/weights", {"ids": [5]}, "body.ids[0]: input should be a valid string"),
        ("/v1/weights", {"ids": "abc"}, "body.ids: input should be a valid"),
        ("/v1/density", {"texts": ["a", ""]}, "body.texts[1]: string should have at least 1 character"),
        ("/v1/search", {"text": "a" * 1001}, "at most 1000 characters"),
        ("/v1/search", {"text": "a", "mode": "regex"}, "'substring' or 'meaning'"),
    ],
)
def test_what_is_wrong_is_told_by_its_place(client, route, body, told):
    answer = client.post(route, json=body)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"n": SECRET_WORD},
        {"n": 1, SECRET_WORD: 2},
        {"n": 1, "method": SECRET_WORD},
        {"n": {SECRET_WORD: [SECRET_WORD]}},
        [SECRET_WORD],
    ],
)
def test_what_was_asked_is_not_repeated(client, body):
    for route in ("/v1/draws", "/v1/weights", "/v1/search", "/v1/density"):
        assert SECRET_WORD not in client.post(route, json=body).text
    assert SECRET_WORD not in client.get(f"/v1/prompts/{SECRET_WORD}").text
    assert SECRET_WORD not in client.get(f"/{SECRET_WORD}", params={"snapshot": SECRET_WORD}).text
    assert SECRET_WORD not in client.get("/v1/weights", params={"snapshot": SECRET_WORD}).text


@pytest.mark.parametrize(
    "data", [b"{", b"\xff\xfe", b'{"n": 1', b'{"n": NaN}', b"[" * 100_000, b'{"n": ' + b"9" * 5000 + b"}"]
)
@pytest.mark.parametrize("route", ["/v1/draws", "/v1/weights"])
def test_broken_json_is_refused_with_a_sentence(client, route, data):
    answer = client.post(route, content=data, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"].endswith(".")


@pytest.mark.parametrize(
    ("kind", "status"), [("text/plain", 422), ("", 422), ("application/x-www-form-urlencoded", 422)]
)
def test_another_content_type_is_refused(client, kind, status):
    answer = client.post("/v1/draws", content=b'{"n": 1}', headers={"content-type": kind})
    assert answer.status_code == status
    assert "Content-Type: application/json" in answer.json()["detail"]


def test_many_reasons_are_cut():
    errors = [{"type": "missing", "loc": ("body", "texts", number), "msg": ""} for number in range(9)]
    assert describe_invalid(errors) == (
        "body.texts[0]: it is missing; body.texts[1]: it is missing; body.texts[2]: it is missing; and 6 more."
    )


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SnapshotDamagedError("weights.npy was cut."), 409),
        (SamplingError("Too many."), 409),
        (EncoderError(f"quotes {SECRET_WORD}"), 503),
        (ResourceError(f"quotes {SECRET_WORD}"), 503),
        (InputError(f"quotes {SECRET_WORD}"), 422),
        (ZeroDivisionError(f"quotes {SECRET_WORD}"), 500),
    ],
)
def test_errors_from_within_have_a_status_and_do_not_repeat_what_was_asked(
    made, start, monkeypatch, caplog, error, status
):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(WeightsService, "draw", fail)
    with caplog.at_level(logging.DEBUG):
        answer = start(made.store).post("/v1/draws", json={"n": 1})
    assert answer.status_code == status
    assert answer.json()["detail"].endswith(".")
    assert SECRET_WORD not in answer.text + caplog.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    if status >= 500:
        assert f"{type(error).__name__} in fail (test_errors.py:" in caplog.text


@pytest.mark.parametrize(
    ("method", "route", "body"),
    [
        ("PUT", "/v1/exposures/run", REPORT),
        ("GET", "/v1/exposures/run", None),
        ("GET", "/v1/exposures", None),
        ("GET", f"/v1/prompts/{IDS[0]}", None),
        ("GET", "/v1/points", None),
        ("GET", "/v1/snapshots", None),
        ("GET", "/v1/weights?snapshot=00c0ffee00c0ffee", None),
        ("GET", "/api/embeddings_3d", None),
        ("POST", "/v1/search", {"text": "bread"}),
        ("POST", "/v1/density", {"texts": ["bread"]}),
        ("POST", "/v1/snapshots/{current}/edits", {"ids": IDS[:1], "factor": 2.0}),
    ],
)
def test_a_store_that_does_not_answer_is_503_and_nobody_is_told_where_it_is(
    made, start, monkeypatch, method, route, body
):
    asked = start(made.store)

    monkeypatch.setattr(Location, "_open", lambda here: (Unreachable(), here.uri))
    answer = asked.request(method, route.format(current=made.current), json=body)
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "2")
    assert answer.json() == {"detail": "The store cannot be reached now; try again soon."}


class Unreachable:
    """A filesystem whose every call fails as that of a bucket does that does not answer."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        def fail(*_: object) -> None:
            raise OSError(f"AWS Error NETWORK_CONNECTION during {name} of {SECRET_WORD}")

        return fail
