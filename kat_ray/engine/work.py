"""Work folders: where a job keeps what it has finished, so that the same command goes on after a kill.

A folder is named by the input files as they are now and by what decides the result: another input or another option is
other work. Only names below `.work` are ever deleted.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from kat_ray.errors import InputError
from kat_ray.storage import Location

WORK_NAME = ".work"
ABANDONED_SECONDS = 7 * 24 * 3600
_BUILD_PREFIX = "build-"


def work_folder(out: Location, inputs: Sequence[Location], decisive: Mapping[str, Any]) -> Location:
    """The folder `<out>/.work/build-<hash>` of one piece of work.

    Raises:
        InputError: `out` lies inside an input folder, so that results would be read as input next time.
    """
    for location in inputs:
        if out.is_inside(location) and not location.info().is_file:
            raise InputError(
                f"The output {out} lies inside the input folder {location}; choose a folder outside of it."
            )
    content = json.dumps([[_fingerprint(location) for location in inputs], decisive], sort_keys=True)
    return out / WORK_NAME / f"{_BUILD_PREFIX}{hashlib.blake2b(content.encode(), digest_size=8).hexdigest()}"


def clean_up(work: Location, out: Location) -> None:
    """Remove a finished work folder, those abandoned for a week, and when none is left all that broken ones shared."""
    work.delete()
    shared = out / WORK_NAME
    names = [name for name, _ in shared.children()]
    alive = [name for name in names if name.startswith(_BUILD_PREFIX) and not _is_abandoned(shared / name)]
    for name in names:
        if not alive or (name.startswith(_BUILD_PREFIX) and name not in alive):
            (shared / name).delete()
    if not alive:
        shared.delete()


def _fingerprint(location: Location) -> list[Any]:
    info = location.info()
    found = [("", info)] if info.is_file else location.children(recursive=True)
    return [location.uri, [[name, child.size, str(child.mtime_ns)] for name, child in found]]


def _is_abandoned(folder: Location) -> bool:
    times = [info.mtime_ns for _, info in folder.children(recursive=True) if info.mtime_ns]
    return bool(times) and time.time() - max(times) / 1e9 > ABANDONED_SECONDS
