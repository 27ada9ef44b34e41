from __future__ import annotations

import pytest

from kat_ray.snapshot.store import Store
from kat_ray.storage import Location
from serve.settings import Limits
from serve.tokens import Tokens

READ, PUBLISH = "r" * 20, "p" * 20


def test_a_client_hears_what_it_may_do_and_how_much(made, start):
    client = start(made.store, limits=Limits(ids=7), chat_url="https://chat.example/")
    told = client.get("/v1/service").json()
    assert told["limits"] == {"ids": 7, "texts": 256, "text_chars": 32_000, "results": 1_000}
    assert (told["scope"], told["snapshot_id"]) == ("open", made.current)
    assert told["chat_url"] == "https://chat.example/"


@pytest.mark.parametrize(("token", "scope"), [(READ, "read"), (PUBLISH, "publish")])
def test_the_scope_is_that_of_the_token(made, start, token, scope):
    client = start(made.store, tokens=Tokens.of([READ], [PUBLISH]))
    assert client.get("/v1/service").status_code == 401
    told = client.get("/v1/service", headers={"Authorization": f"Bearer {token}"}).json()
    assert (told["scope"], told["chat_url"]) == (scope, None)


def test_an_empty_store_has_no_snapshot_yet(start, tmp_path):
    told = start(Store(Location(str(tmp_path / "empty")))).get("/v1/service")
    assert (told.status_code, told.json()["snapshot_id"]) == (200, None)
