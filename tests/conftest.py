"""What all tests share: an S3 server on loopback and the folder of real data, where there is one."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from moto.server import ThreadedMotoServer
from xdist.scheduler import LoadScopeScheduling

BUCKET = "corpus"
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_ON_RAY = (
    "tests/benchmark/test_parts.py",
    "tests/engine/",
    "tests/jobs/",
    "tests/serve/",
    "tests/test_readme.py",
)
_IN_BROWSER = ("tests/viewer/", "tests/evaluation/test_page_in_browser.py")


class _RayInOneProcess(LoadScopeScheduling):
    """Of two processes one has all tests that start Ray, in order: a process has one connection to a cluster. The tests
    in a browser stay together too, in the other one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.startswith(_IN_BROWSER):
            return "browser"
        return "ray" if file.startswith(_ON_RAY) else file


@pytest.hookimpl(optionalhook=True)  # pytest runs without xdist too
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _RayInOneProcess(config, log)


@pytest.fixture(scope="session", autouse=True)
def eager_workers() -> Iterator[None]:
    """Ray's workers, by default, wait for all else that the machine does, for more than a minute beside other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")
        yield


@pytest.fixture(scope="session")
def s3_uri() -> Iterator[Callable[[str], str]]:
    """A function from a prefix to its URI on a real S3 protocol server; worker processes inherit the credentials."""
    before = {name: os.environ.get(name) for name in _CREDENTIALS}
    os.environ.update(_CREDENTIALS)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    created = urllib.request.Request(f"http://{host}:{port}/{BUCKET}", method="PUT")
    urllib.request.urlopen(created, timeout=30).close()
    options = f"scheme=http&region=us-east-1&endpoint_override={quote(f'{host}:{port}', safe='')}"
    try:
        yield lambda prefix: f"s3://{BUCKET}/{prefix}?{options}"
    finally:
        server.stop()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with real pairs, which are never part of the checkout."""
    folder = Path(os.environ.get("KAT_RAY_REAL_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}; set KAT_RAY_REAL_DATA to their folder")
    return folder
