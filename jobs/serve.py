"""Serve a snapshot: weights, draws, points and search over HTTP, until it is interrupted.

Follows the store: a snapshot that is published while it runs is served within seconds, without a failed request.
Anyone on this machine may ask; to listen elsewhere, set tokens in KAT_RAY_READ_TOKENS and KAT_RAY_PUBLISH_TOKENS.

Examples:
    python -m jobs.serve --snapshot demo/store
    python -m jobs.serve --snapshot s3://team/store --host 0.0.0.0 --port 8000 --replicas 4
    ray job submit --no-wait --working-dir . -- python -m jobs.serve --snapshot s3://team/store --replicas 4
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.command import refuse_relative, run_service
from kat_ray.errors import InputError
from kat_ray.ports import usable_port
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.storage import Location
from serve.settings import ServiceSettings

PACKAGE = Path(__file__).resolve().parents[1] / "serve"


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What is served, where, and to whom."""

    snapshot: str
    """A store (its current snapshot is followed) or one snapshot: a folder or s3:// URI."""
    host: str = "127.0.0.1"
    """Address to listen on; any other than loopback needs tokens."""
    port: int = 8000
    """Port to listen on; 0 takes a free one."""
    replicas: int = 1
    """Processes that answer; with two or more, one may die unnoticed."""
    refresh_seconds: float = 2.0
    """How often the store is asked for its current snapshot."""
    allowed_host: tuple[str, ...] = ()
    """Names by which clients may call the service, besides its own address."""
    cors_origin: tuple[str, ...] = ()
    """Origins of web pages that may call the service, such as https://lab.example."""
    tokens_file: str | None = None
    """File with lines `read TOKEN` and `publish TOKEN`, a name after each if you like, besides the two variables."""
    encoder: str | None = None
    """Where the snapshot's encoder is, when its name alone does not tell (a checkpoint folder)."""
    chat_url: str | None = None
    """Page of a chat with a model that the viewer offers, such as https://chat.lab/."""
    address: str | None = None
    """Ray cluster to join; without it and RAY_ADDRESS an embedded one is started."""

    def __post_init__(self) -> None:
        if self.replicas < 1:
            raise InputError(f"--replicas is {self.replicas}, expected 1 or more.")


@contextmanager
def start(options: ServeOptions) -> Iterator[Mapping[str, Any]]:
    """The running service; the summary line says where it is."""
    refuse_relative(options.snapshot, options.tokens_file)
    settings = _settings(options)
    print(f"Serving {_describe(options.snapshot)}", file=sys.stderr)
    from kat_ray.engine.session import require_shared, resolve_address, session
    from serve.app import deployed

    embedded = resolve_address(options.address) == "local"
    with session(options.address, packages=[PACKAGE]) as cluster:
        print(f"Ray: {cluster}; starting {options.replicas} replica(s)", file=sys.stderr)
        require_shared([Location(options.snapshot)])
        with deployed(settings, options.replicas, embedded) as service:
            print(f"Ready at {service.url}: the map at /viz, documentation at /docs; Ctrl-C ends it.", file=sys.stderr)
            yield {"url": service.url, "snapshot_id": service.snapshot_id, "replicas": options.replicas}


def _settings(options: ServeOptions) -> ServiceSettings:
    given: dict[str, Any] = {
        "snapshot": options.snapshot,
        "host": options.host,
        "port": options.port,
        "refresh_seconds": options.refresh_seconds,
        "allowed_hosts": options.allowed_host,
        "cors_origins": options.cors_origin,
        "tokens_file": options.tokens_file,
        "encoder": options.encoder,
        "chat_url": options.chat_url,
    }
    checked = ServiceSettings.from_options(given, os.environ)
    return ServiceSettings.from_options({**given, "port": usable_port(checked.host, checked.port)}, os.environ)


def _describe(uri: str) -> str:
    """Says what is there, so that a missing or damaged snapshot is told before Ray starts."""
    snapshot = Snapshot.open(uri)
    return f"snapshot {snapshot.snapshot_id} of {Location(uri)}: {snapshot.num_prompts:,} prompts"


if __name__ == "__main__":
    raise SystemExit(run_service("serve", ServeOptions, start, __doc__))
