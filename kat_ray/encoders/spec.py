"""What the spec of an encoder names: files and folders here, URIs, or models of the hub.

Knows how specs are written and whether a folder is there; nothing of what files hold.
"""

from __future__ import annotations

import os

from kat_ray.encoders.model_files import model_folder
from kat_ray.encoders.projection import split_target
from kat_ray.storage import Location


def checkpoint_files(spec: str) -> list[str]:
    """Path or URI of the checkpoint, if it names one; folders of models may lie on every node, as in its image.

    Raises:
        EncoderError: as `split_target`.
    """
    kind, _, target = spec.partition(":")
    return [split_target(target)[0]] if kind == "projection" else []


def anchored_spec(spec: str) -> str:
    """The spec with paths from the root: workers of a running cluster have a working folder of their own.

    Raises:
        EncoderError: as `split_target`.
    """
    kind, colon, _ = spec.partition(":")
    return f"{kind}{colon}" + "@".join(_anchored(target) if is_place else target for target, is_place in _targets(spec))


def shown_spec(spec: str) -> str:
    """The spec without the credentials that a URI may hold, for messages."""
    kind, _, target = spec.partition(":")
    if kind != "projection":
        return str(Location(spec))
    return f"{kind}:" + "@".join(str(Location(part)) for part in split_target(target))


def _targets(spec: str) -> list[tuple[str, bool]]:
    """The parts behind the kind, and whether each is a place."""
    kind, _, target = spec.partition(":")
    if kind != "projection":
        return [(target, model_folder(target) is not None)]
    checkpoint, base = split_target(target)
    return [(checkpoint, True), (base, model_folder(base) is not None)]


def _anchored(target: str) -> str:
    location = Location(os.path.expanduser(target))
    return location.path if location.is_local else target
