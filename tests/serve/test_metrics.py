from __future__ import annotations

import os
import re
import socket

from serve.messages.common import PROMPT
from tests.serve.corpus import IDS, SECRET


def value(text: str, name: str, **labels: str) -> float:
    """One number of this process in Prometheus' text, 0 when it is not there."""
    labels["replica"] = f"{socket.gethostname()}:{os.getpid()}"
    for line in text.splitlines():
        found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if found and found[1] == name and dict(re.findall(r'(\w+)="(.*?)"', found[2] or "")) == labels:
            return float(found[3])
    return 0.0


def test_requests_are_counted_by_template_ids_and_draws_by_what_became_of_them(made, start):
    asked = start(made.store)
    for identifier in IDS[:3]:
        asked.get(f"/v1/prompts/{identifier}")
    asked.get(f"/v1/prompts/{'0' * 16}")
    asked.post("/v1/weights", json={"ids": [*IDS[:5], "unknown"]})
    asked.post("/v1/draws", json={"n": 7, "method": "with_replacement"})
    asked.get("/nothing/at/all")
    text = asked.get("/metrics").text
    template = {"method": "GET", "route": "/v1/prompts/{prompt_id}"}
    assert value(text, "kat_ray_requests_total", **template, status="200") == 3
    assert value(text, "kat_ray_requests_total", **template, status="404") == 1
    assert value(text, "kat_ray_request_seconds_count", **template) == 4
    assert value(text, "kat_ray_requests_total", method="GET", route="none", status="404") == 1
    assert value(text, "kat_ray_ids_total", status="present") == 5
    assert value(text, "kat_ray_ids_total", status="missing") == 1
    assert value(text, "kat_ray_draws_total", method="with_replacement") == 7
    assert value(text, "kat_ray_snapshot_info", snapshot_id=made.current) == 1
    assert value(text, "kat_ray_snapshot_age_seconds") > 0


def test_a_switch_is_counted_and_only_the_new_snapshot_is_shown(made, store, start):
    asked = start(store)
    assert value(asked.get("/metrics").text, "kat_ray_snapshot_switches_total") == 0
    asked.put("/v1/snapshots/current", json={"snapshot_id": made.older})
    text = asked.get("/metrics").text
    assert value(text, "kat_ray_snapshot_switches_total") == 1
    assert value(text, "kat_ray_snapshot_info", snapshot_id=made.older) == 1
    assert made.current not in text


def test_metrics_hold_no_text_no_ids_and_no_paths_as_they_were_asked_for(made, start):
    asked = start(made.store)
    asked.post("/v1/search", json={"text": SECRET})
    asked.post("/v1/density", json={"texts": [SECRET]})
    asked.get(f"/v1/prompts/{IDS[0]}", params={"note": "zebra-77"})
    asked.get("/zebra-77")
    asked.request("ZEBRA", "/v1/draws")
    text = asked.get("/metrics").text
    assert not [word for word in (SECRET, "xylophone", IDS[0], PROMPT, "zebra", "ZEBRA") if word in text]
    assert value(text, "kat_ray_texts_total", purpose="density") == 1


def test_every_sample_names_the_process_that_counted(made, start):
    samples = [line for line in start(made.store).get("/metrics").text.splitlines() if not line.startswith("#")]
    assert samples
    assert [line for line in samples if f'replica="{socket.gethostname()}:{os.getpid()}"' not in line] == []
