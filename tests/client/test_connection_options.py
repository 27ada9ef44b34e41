from __future__ import annotations

import pytest

from kat_ray.client import connection_options
from kat_ray.client.transport import HttpTransport

TOKEN = "s3cr3t-t0k3n"


def test_a_token_over_plain_http_to_another_machine_is_warned_of_once(caplog):
    connection_options._warn_of_plain_text.cache_clear()
    for _ in range(2):
        HttpTransport("http://weights.example:8000", TOKEN)
    (record,) = caplog.records
    assert "The token goes to weights.example over http://" in record.message
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("https://weights.example", TOKEN),
        ("http://weights.example", None),
        *[(f"http://{host}:8000", TOKEN) for host in ("127.0.0.1", "127.8.0.1", "[::1]", "localhost")],
    ],
)
def test_what_nobody_can_read_on_the_way_is_not_warned_of(url, token, caplog):
    connection_options._warn_of_plain_text.cache_clear()
    HttpTransport(url, token)
    assert not caplog.records
