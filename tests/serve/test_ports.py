"""Ports are free, stay free while Ray starts, and are refused with a reason where they are not."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from kat_ray.errors import ResourceError
from serve import ports
from serve.ports import claim_port

HOST = "127.0.0.1"


@pytest.mark.parametrize("host", [HOST, "0.0.0.0", "localhost"])
def test_a_port_can_be_had_after_it_was_claimed(host: str) -> None:
    with socket.create_server((host, claim_port(host))) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ResourceError, match=f"Port {port} of {host} cannot be used: another process listens"):
            claim_port(host, port)
    assert claim_port(host, port) == port


def test_a_free_port_is_none_that_the_system_gives_to_connections() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(claim_port(HOST) < first for _ in range(200))


def test_used_ports_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_TRIES", 3)
    free = claim_port(HOST)
    with socket.create_server((HOST, 0)) as one, socket.create_server((HOST, 0)) as two:
        used = [each.getsockname()[1] for each in (one, two)]
        monkeypatch.setattr(ports, "_LASTING", [*used, free])
        assert {claim_port(HOST) for _ in range(20)} == {free}
        monkeypatch.setattr(ports, "_TRIES", 2)
        monkeypatch.setattr(ports, "_LASTING", used)
        with pytest.raises(ResourceError, match="another process listens there"):
            claim_port(HOST)


def test_an_address_elsewhere_is_refused() -> None:
    with pytest.raises(ResourceError, match=r"Port 8000 of 192\.0\.2\.1 cannot be used: .+ Give another --port"):
        claim_port("192.0.2.1", 8000)
