"""The service over a store, by uvicorn in a thread, which can be ended and started again at its address."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Any

import uvicorn

from kat_ray.snapshot.store import Store
from serve.http import make_app
from serve.settings import ServiceSettings


class ViewerService:
    """Example: with ViewerService(store) as service: page.goto(service.url)"""

    def __init__(self, store: Store, **settings: Any) -> None:
        self._listener = _listen(0)
        self._port: int = self._listener.getsockname()[1]
        self._settings = ServiceSettings(store.location.path, **{"refresh_seconds": 3600, "device": "cpu", **settings})
        self.url = f"http://127.0.0.1:{self._port}/viz"
        """Address of the viewer's page."""

    def __enter__(self) -> ViewerService:
        self._start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End it: the address answers no more."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def restart(self) -> None:
        """After `stop`: a new process, as it were, at the same address."""
        self._listener = _listen(self._port)
        self._start()

    def _start(self) -> None:
        """Whoever connects before it is ready waits in the listener's queue."""
        config = uvicorn.Config(
            make_app(self._settings), log_level="error", access_log=False, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)
        self._thread.start()


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener
