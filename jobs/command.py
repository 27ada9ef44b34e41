"""What every job shares: options from a dataclass, prose on stderr, one JSON line at the end of stdout, an honest exit.

{"job": "build", "ok": true, …}    exit 0
{"job": "build", "ok": false, "error": "…"}    exit 1, or 2 for options that cannot be read, 130 when interrupted
{"job": "benchmark", "ok": false, "error": "…", …}    exit 1: it ran to its end, and what it found is not good

A service prints its line when it is ready and stays until SIGINT or SIGTERM.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from types import MappingProxyType
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import tyro

from kat_ray.errors import InputError, KatRayError
from kat_ray.storage import Location

Options = TypeVar("Options")
_ENDED: dict[str | int | None, str] = {
    2: "The options cannot be read; see --help.",
    None: "Ended by a signal before it was done.",
}


class OptionsError(KatRayError):
    """Options that do not go together; exit code 2, as for those that cannot be read."""


class UnmetError(KatRayError):
    """A job came to its end, and what it found is not what it should be; `summary` stands in its line all the same."""

    def __init__(self, sentence: str, summary: Mapping[str, Any]) -> None:
        super().__init__(sentence)
        self.summary = summary


def run_job(
    name: str,
    options_type: type[Options],
    run: Callable[[Options], Mapping[str, Any]],
    description: str,
    arguments: Sequence[str] | None = None,
) -> int:
    """Read the options, run the job, print its summary line; returns the exit code.

    Options come from the fields of `options_type`; `--k v`, `--k=v`, hyphens and underscores are all understood. Each
    is given once.
    """

    def finish(options: Options) -> None:
        with redirect_stdout(sys.stderr):
            result = run(options)
        _print_line({"job": name, "ok": True, **result})

    return _run(name, options_type, finish, description, arguments)


def run_service(
    name: str,
    options_type: type[Options],
    start: Callable[[Options], AbstractContextManager[Mapping[str, Any]]],
    description: str,
    arguments: Sequence[str] | None = None,
) -> int:
    """Like `run_job` for what stays: entering `start` makes it ready, and then its line is printed.

    SIGINT or SIGTERM ends it with exit code 0; a second one does not wait for the clean end.
    """

    def stay(options: Options) -> None:
        stdout = sys.stdout
        with redirect_stdout(sys.stderr), start(options) as result, _stopping() as stopped:
            with redirect_stdout(stdout):
                _print_line({"job": name, "ok": True, **result})
            stopped.wait()
            print(f"jobs.{name}: ending.")

    return _run(name, options_type, stay, description, arguments)


def _run(
    name: str,
    options_type: type[Options],
    work: Callable[[Options], None],
    description: str,
    arguments: Sequence[str] | None,
) -> int:
    if arguments is None:  # the process is the job's own
        atexit.register(gc.freeze)  # or Python looks once more through all that libraries made, for half a second
    try:
        work(_parse(name, options_type, description, arguments))
    except SystemExit as stop:  # tyro has printed the help, or what is wrong and the nearest option
        return _fail(name, _ENDED.get(stop.code, _ENDED[None]), int(stop.code)) if stop.code else 0
    except KeyboardInterrupt:
        return _fail(name, "Interrupted; run the same command again to go on.", 130)
    except KatRayError as error:
        found = error.summary if isinstance(error, UnmetError) else {}
        return _fail(name, " ".join(str(error).split()), 2 if isinstance(error, OptionsError) else 1, found)
    except Exception as error:  # noqa: BLE001 - the last line must tell of any failure
        return _fail(name, _unexpected(error), 1)
    return 0


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that SIGINT or SIGTERM sets, for the length of the block."""
    stopped = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in numbers}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parse(name: str, options_type: type[Options], description: str, arguments: Sequence[str] | None) -> Options:
    _refuse_repeated(options_type, sys.argv[1:] if arguments is None else arguments)
    options: Options = tyro.cli(
        options_type,
        prog=f"python -m jobs.{name}",
        description=description,
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    return options


def _refuse_repeated(options_type: type, arguments: Sequence[str]) -> None:
    """Of an option that is given twice the last one would win without a word."""
    options = _spellings(options_type)
    given = [options[name] for name in map(_spelled, arguments) if name in options]
    for option, is_list in given:
        if given.count((option, is_list)) > 1:
            advice = f"name all of them after one: {option} A B" if is_list else "give it once"
            raise OptionsError(f"{option} is given twice; {advice}.")


def _spellings(options_type: type) -> dict[str, tuple[str, bool]]:
    """For everything that an option can be called its first name, and whether it takes a list of values."""
    spellings: dict[str, tuple[str, bool]] = {}
    for name, hint in get_type_hints(options_type, include_extras=True).items():
        value, *extras = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        option = _spelled(f"--{name}")
        aliases = [alias for extra in extras for alias in getattr(extra, "aliases", None) or ()]
        negation = [f"--no-{option[2:]}"] if value is bool else []
        spellings |= dict.fromkeys([option, *aliases, *negation], (option, get_origin(value) is tuple))
    return spellings


def _spelled(argument: str) -> str:
    """An option without its value, with hyphens."""
    return argument.partition("=")[0].replace("_", "-")


def refuse_relative(*uris: str | None) -> None:
    """In a submitted job the working folder is a copy that vanishes with the job, so relative paths are refused.

    Raises:
        InputError: naming the path and the fix.
    """
    for uri in uris:
        if uri and is_submitted() and Location(uri).is_local and not uri.startswith(("/", "file://")):
            raise InputError(
                f"{uri} is a relative path in a submitted job, whose folder is a temporary copy. "
                f"Use an absolute path or a URI such as s3://bucket/folder."
            )


def is_submitted() -> bool:
    """Whether this process is the driver of a job that was submitted to a Ray cluster."""
    return bool(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR"))


def _unexpected(error: Exception) -> str:
    if os.environ.get("KAT_RAY_TRACEBACK"):
        traceback.print_exc()
    reason = (str(error).strip().splitlines() or ["no message"])[0]
    return f"Unexpected {type(error).__name__}: {reason} (set KAT_RAY_TRACEBACK=1 to see where it happened)."


def _fail(name: str, sentence: str, code: int, found: Mapping[str, Any] = MappingProxyType({})) -> int:
    print(f"jobs.{name}: {sentence}", file=sys.stderr, flush=True)
    _print_line({"job": name, "ok": False, "error": sentence, **found})
    return code


def _print_line(content: Mapping[str, Any]) -> None:
    sys.stderr.flush()
    print(json.dumps(content, ensure_ascii=False), flush=True)
