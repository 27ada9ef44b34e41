"""JSON from a file that anyone may have altered: parsed strictly, and compared with the annotated form it must have.

Knows nothing of what the values mean.
"""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

from kat_ray.errors import SnapshotDamagedError


def load_object(data: bytes, where: str) -> dict[str, Any]:
    """Parse one JSON object; NaN and infinity are refused.

    Raises:
        SnapshotDamagedError: it is not that; the message names `where`.
    """

    try:
        content = json.loads(data.decode(), parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise SnapshotDamagedError(f"{where} is not readable as JSON: {error}.") from error
    if not isinstance(content, dict):
        raise SnapshotDamagedError(f"{where} holds a {type(content).__name__}, expected an object.")
    return content


def check_form(value: object, hint: Any, where: str) -> None:
    """Refuse a JSON value that does not have the annotated type, all the way down.

    A dataclass wants exactly its fields, of which those with the default None may be absent; a TypedDict at least its
    keys; a tuple is a list in JSON.

    Raises:
        SnapshotDamagedError: naming the place, what was got and what was expected.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any or (value is None and type(None) in arguments):
        return
    if origin is UnionType:
        check_form(value, next(option for option in arguments if option is not type(None)), where)
    elif is_dataclass(hint) or is_typeddict(hint):
        _check_keys(value, hint, where)
    elif origin in (list, tuple) and isinstance(value, list):
        for position, item in enumerate(value):
            check_form(item, arguments[0], f"{where}[{position}]")
    elif origin is dict and isinstance(value, dict):
        for key, item in value.items():
            check_form(item, arguments[1], f"{where}.{key}")
    elif isinstance(value, bool) or not isinstance(value, (int, float) if hint is float else origin or hint):
        raise SnapshotDamagedError(f"{where} is {type(value).__name__} {str(value)[:40]!r}, expected {hint}.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def _check_keys(value: object, kind: Any, where: str) -> None:
    if not isinstance(value, dict):
        raise SnapshotDamagedError(f"{where} is a {type(value).__name__}, expected an object.")
    names = {field.name for field in fields(kind)} if is_dataclass(kind) else set(kind.__required_keys__)
    unknown = set(value) - names if is_dataclass(kind) else set()
    optional = {field.name for field in fields(kind) if field.default is None} if is_dataclass(kind) else set()
    if missing := names - optional - set(value):
        raise SnapshotDamagedError(f"{where} lacks {', '.join(sorted(missing))}.")
    if unknown:
        raise SnapshotDamagedError(f"{where} has unknown keys {', '.join(sorted(unknown))}.")
    hints = get_type_hints(kind)
    for name in names & set(value):
        check_form(value[name], hints[name], f"{where}.{name}")
