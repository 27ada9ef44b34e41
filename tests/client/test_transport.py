from __future__ import annotations

import pickle
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from kat_ray.client.retries import Answer, Retries
from kat_ray.client.transport import HandleTransport, HttpTransport, Transport
from kat_ray.errors import InputError, ServiceError, ServiceRefusedError, ServiceUnavailableError
from tests.client import service as faulty
from tests.client.service import TinyService

QUICK = Retries(count=3, first_pause_seconds=0.001, total_seconds=20.0)
SECRET = "s3cr3t-t0k3n"

FORKED = """
import os, sys
from kat_ray.client.transport import HttpTransport
transport = HttpTransport(sys.argv[1])
transport.request("GET", "/v1/echo?first")
child = os.fork()
for number in range(50):
    asked = f"{os.getpid()}-{number}"
    assert transport.request("GET", f"/v1/echo?{asked}").body.decode() == asked
if child:
    assert os.waitpid(child, 0)[1] == 0
"""


class Pending:
    """What a handle gives for a call: the answer comes with `result`."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call

    def result(self, *, timeout_s: float | None = None) -> Any:
        return self._call()


class Deployment:
    """A handle to the routes of a service in this process, with errors to come first."""

    deployment_name = "weights"

    def __init__(self, service: TinyService, *errors: Exception) -> None:
        self.errors = list(errors)
        self._service = service
        self.request = SimpleNamespace(remote=self._remote)

    def _remote(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Pending:
        def call() -> tuple[int, dict[str, str], bytes]:
            if self.errors:
                raise self.errors.pop(0)
            answer = self._service.answer(method, path, headers, body)
            return answer.status, dict(answer.headers), answer.body

        return Pending(call)


class ActorDiedError(Exception):
    """Of the name that Ray gives it."""


def over_http(service: TinyService, token: str | None = None) -> Transport:
    return HttpTransport(service.url, token, timeout_seconds=2.0, retries=QUICK)


def by_handle(service: TinyService, token: str | None = None) -> Transport:
    return HandleTransport(Deployment(service), token, timeout_seconds=2.0, retries=QUICK)


def shown(error: BaseException) -> str:
    """All that a log would show of an error."""
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("way", [over_http, by_handle])
def test_an_answer_comes_with_status_lower_case_headers_and_body(way, service):
    answer = way(service).request("GET", "/v1/weights")
    assert (answer.status, answer.headers["x-snapshot-id"]) == (200, service.store.current())
    known = way(service).request("GET", "/v1/weights", headers={"if-none-match": answer.headers["etag"]})
    assert (known.status, known.body, known.headers["etag"]) == (304, b"", answer.headers["etag"])


@pytest.mark.parametrize("way", [over_http, by_handle])
def test_the_token_opens_the_service(way, service):
    service.token = SECRET
    assert way(service, SECRET).request("GET", "/v1/echo?yes").body == b"yes"


@pytest.mark.parametrize("way", [over_http, by_handle])
def test_without_a_token_the_refusal_says_how_to_give_it(way, service):
    service.token = SECRET
    with pytest.raises(ServiceRefusedError, match=r"status 401: A token .* is needed\. Give its token: token=…"):
        way(service).request("GET", "/v1/echo?yes")


@pytest.mark.parametrize("way", [over_http, by_handle])
def test_a_refusal_carries_the_sentence_of_the_service(way, service):
    with pytest.raises(ServiceRefusedError, match=r"GET /v1/weights\?snapshot=0123.* status 404: There is no snapshot"):
        way(service).request("GET", "/v1/weights?snapshot=0123456789abcdef")


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 413, 422])
def test_a_refusal_is_not_tried_again(code, service):
    service.always = faulty.status(code, "No, since …")
    with pytest.raises(ServiceRefusedError, match=f"status {code}: No, since …"):
        over_http(service).request("GET", "/v1/echo?x")
    assert len(service.seen) == 1


def test_the_sentence_of_a_stranger_is_one_harmless_line(service):
    service.faults.append(faulty.status(422, "a\x1b[31mred\nline" + "!" * 5000))
    with pytest.raises(ServiceRefusedError) as refused:
        over_http(service).request("GET", "/v1/echo?x")
    assert "a [31mred line!!!" in str(refused.value)
    assert len(str(refused.value)) < 1000
    service.faults.append(faulty.status(422, [{"loc": ["body", "n"], "msg": "must be positive"}]))
    with pytest.raises(ServiceRefusedError, match="must be positive"):
        over_http(service).request("GET", "/v1/echo?x")


@pytest.mark.parametrize("body", [b"<html>404</html>", b"[]", b"[" * 9999, b'{"detail"', b""])
def test_another_kind_of_server_is_told_apart(body, service):
    service.faults.append(lambda handler, answer: Answer(404, {}, body))
    with pytest.raises(ServiceRefusedError, match="another server behind this address"):
        over_http(service).request("GET", "/v1/echo?x")


@pytest.mark.parametrize(
    "fault",
    [
        *(faulty.status(code) for code in (408, 429, 500, 502, 503, 504)),
        *(faulty.hang_up, faulty.reset_in_the_middle),
    ],
)
def test_trouble_that_passes_is_not_noticed(fault, service):
    service.faults += [fault, fault]
    assert over_http(service).request("GET", "/v1/echo?" + "x" * 5000).body == b"x" * 5000
    assert len(service.seen) == 3


def test_a_service_that_is_gone_is_an_error_that_names_it(service):
    transport = over_http(service)
    service.stop()
    with pytest.raises(
        ServiceUnavailableError, match=rf"at {service.url} is not available: no connection \(Connection"
    ):
        transport.request("GET", "/v1/echo?x")


def test_a_host_that_no_one_knows_is_an_error_that_says_so():
    transport = HttpTransport("http://weights.invalid:8000", retries=Retries(count=0))
    with pytest.raises(ServiceUnavailableError, match="its host name is not known"):
        transport.request("GET", "/v1/echo?x")


def test_a_service_that_comes_back_is_found_again(service):
    transport = over_http(service)
    transport.request("GET", "/v1/echo?x")
    service.stop()
    service.start()
    assert transport.request("GET", "/v1/echo?back").body == b"back"


def test_silence_is_waited_for_no_longer_than_the_timeout(service):
    service.always = faulty.silent
    transport = HttpTransport(service.url, timeout_seconds=0.1, retries=Retries(count=1, first_pause_seconds=0.0))
    started = time.monotonic()
    with pytest.raises(ServiceUnavailableError, match=r"no answer within 0\.1 s"):
        transport.request("GET", "/v1/echo?x")
    assert 0.2 <= time.monotonic() - started < 2.0


def test_an_answer_that_never_ends_is_given_up_at_the_total(service):
    service.always = faulty.dripping
    transport = HttpTransport(service.url, timeout_seconds=5.0, retries=Retries(count=9, total_seconds=0.3))
    started = time.monotonic()
    with pytest.raises(ServiceUnavailableError, match="did not end in time"):
        transport.request("GET", "/v1/echo?x")
    assert time.monotonic() - started < 2.0


def test_the_token_goes_to_no_other_place_than_the_named_one(service):
    elsewhere = TinyService(service.store)
    elsewhere.start()
    service.always = faulty.status(307, "", location=f"{elsewhere.url}/v1/weights")
    with pytest.raises(ServiceRefusedError, match="give the URL of the service itself"):
        over_http(service, SECRET).request("GET", "/v1/weights")
    elsewhere.stop()
    assert not elsewhere.seen


@pytest.mark.parametrize("way", [over_http, by_handle])
def test_the_token_is_shown_nowhere(way, service):
    transport = way(service, SECRET)
    service.token = "another"
    with pytest.raises(ServiceRefusedError) as refused:
        transport.request("GET", "/v1/weights")
    service.token = None
    assert SECRET not in repr(transport) + str(transport) + transport.name + shown(refused.value)


@pytest.mark.parametrize(
    "fault",
    [
        faulty.status(403, f"{SECRET} is no token"),
        faulty.status(503, SECRET),
        faulty.hang_up,
        faulty.reset_in_the_middle,
    ],
)
def test_no_fault_shows_the_token(fault, service):
    service.always = fault
    with pytest.raises(ServiceError) as failed:
        over_http(service, SECRET).request("GET", "/v1/echo?x")
    assert SECRET not in shown(failed.value)


@pytest.mark.parametrize("token", ["", f"{SECRET}\n", f" {SECRET}", f"{SECRET}\r\nx: y", "ключ"])
def test_a_token_that_cannot_be_sent_is_refused_unshown(token):
    with pytest.raises(InputError, match="token") as refused:
        HttpTransport("http://127.0.0.1:8000", token)
    assert SECRET not in shown(refused.value)


@pytest.mark.parametrize(
    "url", ["ftp://host", "http://", "host:8000", "http://host?x=1", "http://host#x", "http://host:port", "http://[::1"]
)
def test_what_is_no_url_of_a_service_is_refused(url):
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:8000"):
        HttpTransport(url)


@pytest.mark.parametrize(
    "url", ["http://user:s3cr3t-t0k3n@host:8000", "http://s3cr3t-t0k3n@host", "http://a:s3cr3t-t0k3n@h:x"]
)
def test_a_password_in_the_url_is_refused_unshown(url):
    with pytest.raises(InputError) as refused:
        HttpTransport(url)
    assert SECRET not in shown(refused.value)


def test_a_path_before_the_routes_is_kept(service):
    transport = HttpTransport(f"{service.url}/prefix/", retries=QUICK)
    with pytest.raises(ServiceRefusedError, match=r"There is no /prefix/v1/echo"):
        transport.request("GET", "/v1/echo?x")


def test_a_pickled_transport_asks_the_same_service(service):
    transport = over_http(service, SECRET)
    transport.request("GET", "/v1/echo?x")
    again = pickle.loads(pickle.dumps(transport))
    assert again == transport
    assert again.request("GET", "/v1/echo?again").body == b"again"


def test_a_forked_process_does_not_mix_its_answers_with_its_parents(service):
    command = [sys.executable, "-c", FORKED, service.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("error", [ActorDiedError("replica gone"), TimeoutError()])
def test_a_lost_replica_behind_a_handle_is_not_noticed(error, service):
    transport = HandleTransport(Deployment(service, error, error), retries=QUICK)
    assert transport.request("GET", "/v1/echo?x").body == b"x"


def test_a_handle_whose_replicas_stay_lost_is_an_error_that_names_it(service):
    transport = HandleTransport(Deployment(service, *[ActorDiedError("replica gone")] * 4), retries=QUICK)
    with pytest.raises(ServiceUnavailableError, match=r"The deployment weights is not available: .*ActorDiedError"):
        transport.request("GET", "/v1/echo?x")


def test_a_bug_behind_a_handle_is_told_at_once(service):
    deployment = Deployment(service, ZeroDivisionError("division by zero"), ActorDiedError())
    with pytest.raises(ServiceError, match="deployment weights failed at GET /v1/echo: division by zero"):
        HandleTransport(deployment, retries=QUICK).request("GET", "/v1/echo")
    assert len(deployment.errors) == 1


def test_deployments_of_other_apps_and_clusters_have_other_names(service, monkeypatch):
    handle = Deployment(service)
    handle.app_name = "kat-ray"
    assert HandleTransport(handle).name == "the deployment weights of app kat-ray"
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.7:6379")
    assert HandleTransport(handle).name == "the deployment weights of app kat-ray on 10.0.0.7:6379"
    assert HandleTransport(handle, cluster="east").name == "the deployment weights of app kat-ray on east"
