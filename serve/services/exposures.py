"""What runs report of the prompts that they were really trained on: one small JSON file a run, beside the snapshots.

Runs have plain names; their number and the size of a report are bounded, so that nobody fills the store. A run that was
first reported with a token that has a name belongs to that name, whichever token it goes with later; any other run,
and every run of a service without tokens, belongs to nobody.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import orjson
from pyarrow import fs

from kat_ray.storage import Location
from serve.refusals import RefusedError
from serve.tokens import Holder

RUN_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Form of the name of a run."""

_FOLDER = "exposures"
_SUFFIX = ".json"
_FILE = re.compile(RUN_NAME.removesuffix("$") + re.escape(_SUFFIX))


class Exposures:
    """Reports in `<store>/exposures/<run>.json`; the last one of a run counts."""

    def __init__(self, store: Location | None, max_runs: int) -> None:
        self._folder = store / _FOLDER if store is not None else None
        self._max_runs = max_runs

    def put(self, run: str, report: dict[str, Any], reporter: Holder | None = None) -> bool:
        """Keep the report of a run; returns whether it is its first one.

        Raises:
            RefusedError: no store is served, it holds too many runs or cannot be written to, or the run is another's.
        """
        if self._folder is None:
            raise RefusedError(409, "A single snapshot is served, and reports are kept in a store: serve the store.")
        file = self._folder / f"{run}{_SUFFIX}"
        is_new = not file.exists()
        if is_new and len(self._files()) >= self._max_runs:
            raise RefusedError(
                409,
                f"The store holds the exposure of {self._max_runs:,} runs, the most; delete old files of its "
                f"folder {_FOLDER}.",
            )
        first = reporter.name if reporter is not None else None
        holder = first if is_new else _holder(file, reporter)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        stamped = {"run": run, "reported_at": now, "holder": holder, **report}
        try:
            file.write_bytes(orjson.dumps(stamped, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
        except OSError as error:
            raise RefusedError(
                503, f"The store cannot be written to ({type(error).__name__}); the report was not kept.", 60
            ) from None
        return is_new

    def get(self, run: str) -> dict[str, Any]:
        """The last report of a run.

        Raises:
            RefusedError: there is none.
        """
        file = self._folder / f"{run}{_SUFFIX}" if self._folder is not None else None
        if file is None or not file.exists():
            raise RefusedError(404, "No run of this name has reported; GET /v1/exposures lists those that have.")
        try:
            report: dict[str, Any] = orjson.loads(file.read_bytes())
        except ValueError:
            raise RefusedError(
                409, "The report of this run was altered and is not JSON any more; send it anew."
            ) from None
        return report

    def runs(self) -> list[dict[str, str]]:
        """Every run that has reported and when it last did, the latest first."""
        runs = [{"run": name.removesuffix(_SUFFIX), "reported_at": _time(info)} for name, info in self._files()]
        return sorted(runs, key=lambda entry: (entry["reported_at"], entry["run"]), reverse=True)

    def _files(self) -> list[tuple[str, fs.FileInfo]]:
        if self._folder is None:
            return []
        return [(name, info) for name, info in self._folder.children() if _FILE.fullmatch(name)]


def _holder(file: Location, reporter: Holder | None) -> str | None:
    """Whose run this is, as its last report says; nobody's when that was altered.

    Raises:
        RefusedError: it is another's than the reporter's.
    """
    try:
        kept = orjson.loads(file.read_bytes())
    except ValueError:
        return None
    holder: str | None = kept.get("holder") if isinstance(kept, dict) else None
    if reporter is not None and holder not in (None, reporter.name):
        raise RefusedError(403, f"This run belongs to {holder}, who reported it first; choose another name of a run.")
    return holder


def _time(info: fs.FileInfo) -> str:
    changed = info.mtime or datetime.fromtimestamp(0, UTC)
    return changed.astimezone(UTC).isoformat(timespec="seconds")
