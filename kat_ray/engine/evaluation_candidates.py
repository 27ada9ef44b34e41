"""What is evaluated side by side, and what reports call it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.projection import split_target
from kat_ray.engine.evaluation_options import EvaluationConfig
from kat_ray.errors import InputError
from kat_ray.storage import Location


@dataclass(frozen=True, slots=True)
class Candidate:
    """An encoder, or files of the vectors that one made."""

    name: str
    """What reports call it."""
    origin: str
    """The whole spec or path, without credentials."""
    encoder: EncoderConfig | None = None
    vectors: str | None = None
    document_vectors: str | None = None
    """None: the documents' vectors are in the file of the queries'."""


def candidates_of(config: EvaluationConfig) -> list[Candidate]:
    """Everything to be evaluated, by the shortest names that tell all apart."""
    origins = [_origin(encoder) for encoder in config.encoders]
    origins += [("", str(Location(vectors)), "") for vectors in config.vectors]
    whole = ["".join(origin) for origin in origins]
    if len(set(whole)) < len(whole):
        raise InputError(f"{max(whole, key=whole.count)} is named twice; name each encoder once.")
    made_of = [
        *((encoder, None, None) for encoder in config.encoders),
        *((None, *files) for files in config.vector_files),
    ]
    return [
        Candidate(name, origin, *parts)
        for name, origin, parts in zip(_short_names(origins), whole, made_of, strict=True)
    ]


def _origin(encoder: EncoderConfig) -> tuple[str, str, str]:
    """Kind, path and base of a spec, without the credentials that a URI may hold."""
    if encoder.kind == "projection":
        checkpoint, base = split_target(encoder.target)
        return "projection:", str(Location(checkpoint)), f"@{Location(base)}"
    kind, _, path = str(Location(encoder.spec)).partition(":")
    return (f"{kind}:", path, "") if path else ("", kind, "")


def _short_names(origins: Sequence[tuple[str, str, str]]) -> list[str]:
    """`projection:best.pt` for /runs/7/best.pt, or `projection:7/best.pt` where there is another best.pt."""
    for depth in range(1, 1 + max(path.count("/") for _, path, _ in origins)):
        names = [kind + "/".join(path.split("/")[-depth:]) for kind, path, _ in origins]
        if len(set(names)) == len(names):
            return names
    return ["".join(origin) for origin in origins]
