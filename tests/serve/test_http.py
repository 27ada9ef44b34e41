"""The app as a whole: what it loads at start, that it follows the store under load, and that it stops cleanly."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from kat_ray.snapshot.snapshot import Snapshot
from serve.http import make_app
from serve.settings import ServiceSettings
from tests.serve.corpus import IDS

ROOT = Path(__file__).parents[2]
START = """
import asyncio, sys
from serve.http import make_app
from serve.settings import ServiceSettings
app = make_app(ServiceSettings(sys.argv[1]))
asyncio.run(app.state.service.look())
print(app.state.service.catalog.current().weights.look_up(sys.argv[2:]).num_present)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
HEAVY = {"faiss", "torch", "umap", "numba", "sklearn", "openvino", "transformers", "ray", "scipy"}


def test_a_service_is_ready_and_looks_up_without_the_heavy_packages(made):
    command = [sys.executable, "-c", START, made.store.location.path, *IDS[:2]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    num_present, modules = done.stdout.splitlines()
    assert num_present == "2"
    assert not HEAVY & set(modules.split())


@pytest.mark.parametrize("num_switches", [10, pytest.param(100, marks=pytest.mark.long)])
def test_switches_under_load_fail_nobody_and_mix_nothing(store, made, num_switches):
    """Readers ask without a pause while every switch goes through the service; each answer is of one snapshot."""
    right = {one: Snapshot.open(store.location, one).weights[:20].tolist() for one in (made.current, made.older)}
    app = make_app(ServiceSettings(store.location.path, refresh_seconds=0.05))
    seen, wrong = [], []

    async def read(client: httpx.AsyncClient, ended: asyncio.Event) -> None:
        while not ended.is_set():
            answer = await client.post("/v1/weights", json={"ids": IDS[:20]})
            content = answer.json()
            named = {content.get("snapshot_id"), answer.headers.get("x-snapshot-id")}
            probabilities = [record["probability"] for record in content.get("weights", [])]
            seen.append(content.get("snapshot_id"))
            if answer.status_code != 200 or len(named) != 1 or probabilities != right[content["snapshot_id"]]:
                wrong.append((answer.status_code, content))

    async def load() -> None:
        await app.state.service.look()
        ended = asyncio.Event()
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            readers = [asyncio.create_task(read(client, ended)) for _ in range(4)]
            for number in range(num_switches):
                wanted = (made.older, made.current)[number % 2]
                switched = await client.put("/v1/snapshots/current", json={"snapshot_id": wanted})
                assert switched.json() == {"snapshot_id": wanted}
                before = len(seen)
                while len(seen) < before + 8:
                    await asyncio.sleep(0)
            ended.set()
            await asyncio.gather(*readers)

    asyncio.run(load())
    assert set(seen) == {made.current, made.older}
    assert not wrong


def test_an_app_that_ended_can_start_again(made):
    app = make_app(ServiceSettings(made.store.location.path, refresh_seconds=0.05))
    for _ in range(2):
        with TestClient(app, base_url="http://localhost") as asked:
            assert asked.get("/v1/health/ready").status_code == 200


def test_slow_work_does_not_hold_up_look_ups(made):
    """Every slow thread is busy, and a look-up is answered meanwhile."""
    app = make_app(ServiceSettings(made.store.location.path))

    async def ask() -> int:
        await app.state.service.look()
        going = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop = asyncio.run_coroutine_threadsafe

        def wait() -> None:
            stop(going.wait(), loop).result()

        busy = [asyncio.create_task(app.state.service.slow(wait)) for _ in range(16)]
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.post("/v1/weights", json={"ids": IDS})
        going.set()
        await asyncio.gather(*busy)
        return answer.status_code

    assert asyncio.run(ask()) == 200
