"""An embedded cluster: workers find the package, idle ones stay, and its processes end with it."""

from __future__ import annotations

import gc
import os
import time

import psutil
import pytest
import ray
from ray._private.node import Node

from kat_ray.engine import embedded
from kat_ray.engine.embedded import PACKAGE
from kat_ray.engine.session import session
from kat_ray.engine.tasks import Call, run_side_by_side, run_task
from kat_ray.errors import ResourceError
from tests.engine.conftest import workers_named


def _pid() -> int:
    return os.getpid()


def _place() -> str:
    import kat_ray

    return str(kat_ray.__path__[0])


class _Actor:
    def pid(self) -> int:
        return os.getpid()


def _family() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


@pytest.mark.parametrize("before", [None, "/somewhere"])
def test_workers_import_this_package_and_the_environment_stays(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if before is not None:
        monkeypatch.setenv("PYTHONPATH", before)
    with session("local"):
        assert os.environ.get("PYTHONPATH") == before
        assert run_task(_place) == str(PACKAGE)
        paths = psutil.Process(run_task(_pid)).environ()["PYTHONPATH"].split(os.pathsep)
        expected = [str(PACKAGE.parent), *([before] if before else [])]
        assert paths[-len(expected) :] == expected  # Ray puts its own before them


def test_idle_workers_stay_beside_as_many_actors_as_there_are_cpus() -> None:
    with session("local"):
        first = run_task(_pid)
        actors = [ray.remote(num_cpus=1)(_Actor).remote() for _ in range(int(ray.cluster_resources()["CPU"]))]
        assert first not in ray.get([actor.pid.remote() for actor in actors])
        time.sleep(3)  # Ray looks each second for idle processes to end
        assert psutil.pid_exists(first)


def test_its_processes_end_with_it_and_none_waits_for_more_machines() -> None:
    before = _family()
    with session("local"):
        run_side_by_side("warm", [Call(_pid, ())] * 2)
        started = _family() - before
        assert len(started) > 5
        assert not workers_named("/ray/autoscaler/")
    assert not psutil.wait_procs(started, timeout=30)[1]


def test_a_session_inside_another_is_refused_and_leaves_it_alone() -> None:
    with session("local"):
        worker = run_task(_pid)
        with pytest.raises(ResourceError, match="Cannot join Ray at local"), session("local"):
            pass
        assert psutil.pid_exists(worker)
        assert run_task(_pid)


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")  # Ray's objects for them
@pytest.mark.parametrize(
    ("holder", "step"), [(Node, "start_log_monitor"), (Node, "start_raylet"), (embedded, "_end_autoscaler")]
)
def test_a_start_that_is_broken_off_leaves_nothing_behind(
    holder: object, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _family()
    started: set[psutil.Process] = set()

    def interrupt(*_: object) -> None:
        started.update(_family() - before)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(holder, step, interrupt)
        with pytest.raises(KeyboardInterrupt), session("local"):
            pass
    assert started
    assert not psutil.wait_procs(started, timeout=30)[1]
    gc.collect()
    with session("local"):
        assert run_task(_pid)
