"""Figures come with what they were taken on."""

from __future__ import annotations

import json
import socket

from benchmark.figures.machine import describe_machine


def test_the_machine_is_told_without_its_name():
    told = describe_machine()
    assert told["cores"] >= 1
    assert told["memory_bytes"] > 1 << 28
    assert {"numpy", "playwright"} <= set(told["versions"])
    assert socket.gethostname() not in json.dumps(told)
