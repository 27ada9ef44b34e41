"""What the spec of an encoder names: files and folders here, URIs, or models of the hub.

Knows how specs are written; nothing of what files hold.
"""

from __future__ import annotations

from kat_ray.encoders.projection import split_target
from kat_ray.storage import Location


def shown_spec(spec: str) -> str:
    """The spec without the credentials that a URI may hold, for messages."""
    kind, _, target = spec.partition(":")
    if kind != "projection":
        return str(Location(spec))
    return f"{kind}:" + "@".join(str(Location(part)) for part in split_target(target))
