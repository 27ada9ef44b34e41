from __future__ import annotations

import json

import numpy as np
import pytest
from fastapi import Request

from kat_ray.snapshot.wire import ARROW_FILE
from serve.answers import bytes_answer, dump, heed_range, tagged, wants
from serve.refusals import RefusedError


class Stand:
    """In the place of a snapshot."""

    snapshot_id = "0" * 16


def request(query: str = "", **headers: str) -> Request:
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": lines, "query_string": query.encode()})


def test_json_names_its_snapshot_in_body_and_header_and_has_no_nan():
    answer = dump(Stand(), {"values": np.array([0.5, np.nan])})
    assert json.loads(answer.body) == {"snapshot_id": "0" * 16, "values": [0.5, None]}
    assert answer.headers["x-snapshot-id"] == "0" * 16


@pytest.mark.parametrize(
    ("accept", "is_wanted"),
    [
        (ARROW_FILE, True),
        (f"text/html, {ARROW_FILE};q=0.9", True),
        (ARROW_FILE.upper(), True),
        ("*/*", False),
        (f"{ARROW_FILE}2", False),
    ],
)
def test_a_form_is_sent_to_who_names_it(accept, is_wanted):
    assert wants(request(accept=accept), ARROW_FILE) == is_wanted


@pytest.mark.parametrize(
    ("known", "is_known"),
    [('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False), ("a", False), ("", False)],
)
def test_a_tag_is_known_again(known, is_known):
    headers, found = tagged(request(if_none_match=known), Stand(), "a")
    assert found == is_known
    assert headers["ETag"] == '"a"'


def test_bytes_are_sent_once():
    first = bytes_answer(request(), Stand(), b"data", "a", "application/octet-stream")
    again = bytes_answer(request(if_none_match='"a"'), Stand(), b"data", "a", "application/octet-stream")
    assert (first.status_code, first.body) == (200, b"data")
    assert (again.status_code, again.body) == (304, b"")
    assert "content-type" not in again.headers


@pytest.mark.parametrize("kept", ["bytes=0-0", "bytes=5-", "bytes=-3", "bytes=9-99"])
def test_one_range_within_the_file_stands(kept):
    asked = request(range=kept)
    heed_range(asked, 10)
    assert (b"range", kept.encode()) in asked.scope["headers"]


@pytest.mark.parametrize(
    "dropped", ["bytes=3-1", "bytes=0-1,3-4", "lines=1-2", "bytes=-", "bytes=x-", "bytes=" + "9" * 30 + "-"]
)
def test_what_is_no_single_range_is_passed_over(dropped):
    asked = request(range=dropped)
    heed_range(asked, 10)
    assert not asked.scope["headers"]


@pytest.mark.parametrize("beyond", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(beyond):
    with pytest.raises(RefusedError) as refused:
        heed_range(request(range=beyond), 10)
    assert (refused.value.status, refused.value.headers) == (416, {"Content-Range": "bytes */10"})
