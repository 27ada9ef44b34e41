"""Who is let in: the walk over every route, tokens, hosts, origins, headers."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute

from serve.security import READING_POSTS, required_scope
from serve.tokens import Tokens
from tests.serve.corpus import IDS

READ, PUBLISH, OTHER = "r" * 20, "p" * 20, "x" * 20
UNDESCRIBED = {("GET", "/"), ("GET", "/viz/{path:path}")}
OPEN = {("GET", "/v1/health/live"), ("GET", "/v1/health/ready"), ("GET", "/viz"), *UNDESCRIBED}
PUBLISHING = {("PUT", "/v1/snapshots/current"), ("POST", "/v1/snapshots/{snapshot_id}/edits")}
OF_THE_FRAMEWORK = {("GET", "/openapi.json")}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def all_routes(client) -> set[tuple[str, str]]:
    """Every method and template of the app's table, the included routers' too."""
    found = set()
    waiting = list(client.app.routes)
    while waiting:
        route = waiting.pop()
        inner = getattr(route, "original_router", None)
        if inner is not None:
            waiting += inner.routes
        elif isinstance(route, APIRoute) or hasattr(route, "methods"):
            found |= {(method, route.path) for method in route.methods - {"HEAD"}}
    return found


def address(template: str, made) -> str:
    values = {"{snapshot_id}": made.current, "{prompt_id}": IDS[0], "{chunk}": "0", "{run}": "a", "{path:path}": "a.js"}
    for name, value in values.items():
        template = template.replace(name, value)
    assert "{" not in template, f"say in this test which value {template} takes"
    return template


@pytest.fixture
def guarded(made, start):
    """The service with tokens, two of each scope."""
    return start(made.store, tokens=Tokens.of([READ, OTHER], [PUBLISH]))


def test_the_table_holds_every_route_of_the_api_description(guarded, made):
    described = {(method.upper(), path) for path, item in guarded.app.openapi()["paths"].items() for method in item}
    table = all_routes(guarded)
    assert described == table - OF_THE_FRAMEWORK - UNDESCRIBED
    assert len(described) > 20


def test_no_route_but_health_and_the_page_answers_without_a_token(guarded, made):
    for method, template in sorted(all_routes(guarded)):
        for headers in ({}, bearer("wrong" * 5), {"Authorization": READ}, {"Authorization": f"Basic {READ}"}):
            answer = guarded.request(method, address(template, made), headers=headers)
            is_open = (method, template) in OPEN
            assert (answer.status_code != 401) == is_open, (method, template, headers)
            if not is_open:
                assert answer.headers["www-authenticate"].startswith("Bearer")
                assert set(answer.json()) == {"detail"}


def test_changes_need_the_scope_publish_and_the_rest_does_not(guarded, made):
    for method, template in sorted(all_routes(guarded) - OPEN):
        answer = guarded.request(method, address(template, made), headers=bearer(READ))
        assert (answer.status_code == 403) == ((method, template) in PUBLISHING), (method, template)
        assert answer.status_code != 401
    for method, template in PUBLISHING:
        assert guarded.request(method, address(template, made), headers=bearer(PUBLISH)).status_code == 422


def test_every_valid_token_of_a_scope_is_let_in(guarded):
    for token in (READ, OTHER, PUBLISH):
        assert guarded.get("/v1/snapshots/current", headers=bearer(token)).status_code == 200
        assert guarded.get("/v1/snapshots/current", headers={"authorization": f"bearer {token}"}).status_code == 200


def test_a_header_that_comes_twice_is_not_believed(guarded):
    twice = [("authorization", f"Bearer {READ}"), ("authorization", f"Bearer {OTHER}")]
    assert guarded.get("/v1/card", headers=twice).status_code == 401


def test_unknown_paths_and_methods_need_a_token_too(guarded):
    assert guarded.get("/v1/nothing").status_code == 401
    assert guarded.get("/v1/nothing", headers=bearer(READ)).status_code == 404
    assert guarded.delete("/v1/weights", headers=bearer(READ)).status_code == 403
    assert guarded.delete("/v1/weights", headers=bearer(PUBLISH)).status_code == 405


@pytest.mark.parametrize(
    "path", ["/v1//weights", "/viz/../v1/weights", "/viz/%2e%2e/v1/weights", "//v1/weights", "/V1/weights"]
)
def test_other_spellings_of_a_path_do_not_go_around_the_check(guarded, path):
    answer = guarded.get(path)
    assert answer.status_code in (401, 404)
    assert "weights" not in answer.text


def test_what_is_not_listed_needs_the_most():
    assert required_scope("POST", "/v1/anything/new") == "publish"
    assert required_scope("PATCH", "/v1/weights") == "publish"
    assert required_scope("GET", "/v1/anything/new") == "read"
    assert required_scope("GET", "/viz") is None
    assert required_scope("POST", "/viz") == "publish"
    assert all(required_scope("POST", path) == "read" for path in READING_POSTS)


def test_without_tokens_loopback_is_open(client):
    assert client.get("/v1/card").status_code == 200
    assert client.get("/metrics").status_code == 200


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"])
def test_loopback_names_are_ours(client, host):
    assert client.get("/v1/health/live", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "10.0.0.1", "", "a b", "localhost:80:80", "a@localhost"]
)
def test_a_name_of_someone_else_is_refused_so_that_no_page_can_rebind_it(client, host):
    answer = client.get("/v1/health/live", headers={"host": host})
    assert answer.status_code == 400
    assert "--allowed-host" in answer.json()["detail"]


def test_a_wider_bind_takes_addresses_and_allowed_names(made, start):
    wide = start(made.store, host="0.0.0.0", allowed_hosts=("Weights.Example",), tokens=Tokens.of([READ]))
    codes = {
        host: wide.get("/v1/health/live", headers={"host": host}).status_code
        for host in ("weights.example:8000", "10.0.0.1:8000", "[fd00::1]", "evil.example")
    }
    assert codes == {"weights.example:8000": 200, "10.0.0.1:8000": 200, "[fd00::1]": 200, "evil.example": 400}


def test_pages_of_other_origins_may_not_call(client):
    for origin in ("https://evil.example", "null", "http://localhost:1"):
        answer = client.post("/v1/draws", json={"n": 1}, headers={"origin": origin})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert client.post("/v1/draws", json={"n": 1}, headers={"origin": "http://localhost"}).status_code == 200


def test_an_origin_that_is_asked_for_may_call_and_see_the_headers(made, start):
    lab = "https://lab.example"
    shared = start(made.store, cors_origins=(lab,), tokens=Tokens.of([READ]))
    preflight = {
        "origin": lab,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    allowed = shared.options("/v1/draws", headers=preflight)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == lab
    answer = shared.post("/v1/draws", json={"n": 1}, headers={"origin": lab, **bearer(READ)})
    assert answer.status_code == 200
    assert "X-Snapshot-Id" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    assert shared.options("/v1/draws", headers={**preflight, "origin": "https://evil.example"}).status_code == 403


def test_every_answer_has_strict_headers(guarded, client):
    for answer in (client.get("/v1/card"), client.get("/nothing"), guarded.get("/v1/card"), client.get("/docs")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "script-src" not in answer.headers["content-security-policy"]
    assert "script-src 'self'" in client.get("/viz").headers["content-security-policy"]


def test_tokens_are_exchanged_by_an_edit_of_their_file_without_a_restart(made, start, tmp_path):
    file = tmp_path / "tokens"
    file.write_text(f"read {READ}\n")
    asked = start(made.store, tokens=Tokens.of([READ]), tokens_file=str(file))

    def statuses() -> list[int]:
        return [asked.get("/v1/manifest", headers=bearer(token)).status_code for token in (READ, OTHER)]

    assert statuses() == [200, 401]
    file.write_text(f"read {OTHER}\n")
    asked.portal.call(asked.app.state.service.look)
    assert statuses() == [401, 200]


def test_the_scope_is_that_of_the_route_when_the_app_is_mounted_under_a_path(made, start):
    asked = start(made.store, tokens=Tokens.of([READ]))
    asked.app.root_path = "/kat"
    assert asked.get("/kat/v1/health/ready").status_code == 200
    assert asked.get("/kat/v1/manifest").status_code == 401
    assert asked.post("/kat/v1/draws", json={"n": 1}, headers=bearer(READ)).status_code == 200
