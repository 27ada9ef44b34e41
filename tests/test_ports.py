"""Ports are free, stay free while a server starts, and are refused with a reason where they are not."""

from __future__ import annotations

import socket

import pytest

from kat_ray import ports
from kat_ray.errors import ResourceError
from kat_ray.ports import LASTING_PORTS, usable_port

HOST = "127.0.0.1"


@pytest.mark.parametrize("host", [HOST, "0.0.0.0", "localhost"])
def test_a_port_can_be_had_and_is_refused_while_another_has_it(host: str) -> None:
    with socket.create_server((host, usable_port(host))) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ResourceError, match=f"Port {port} of {host} cannot be used: another process listens"):
            usable_port(host, port)
    assert usable_port(host, port) == port


def test_free_ports_are_none_that_are_handed_out_for_connections() -> None:
    assert {usable_port(HOST) for _ in range(50)} <= set(LASTING_PORTS)
    assert LASTING_PORTS[-1] < 32768


def test_used_ports_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    free = usable_port(HOST)
    with socket.create_server((HOST, 0)) as one, socket.create_server((HOST, 0)) as two:
        used = [each.getsockname()[1] for each in (one, two)]
        monkeypatch.setattr(ports, "LASTING_PORTS", [*used, free])
        assert {usable_port(HOST) for _ in range(20)} == {free}
        monkeypatch.setattr(ports, "LASTING_PORTS", used)
        with pytest.raises(ResourceError, match="is free; give one as --port"):
            usable_port(HOST)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "x" * 70])
@pytest.mark.parametrize("port", [0, 8000])
def test_an_address_elsewhere_is_refused(host: str, port: int) -> None:
    with pytest.raises(
        ResourceError, match=rf"Cannot listen on {host}: .+\. Give an address of this machine as --host"
    ):
        usable_port(host, port)
