"""What is evaluated side by side, and what reports call it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.encoders.projection import split_target
from kat_ray.engine.evaluation.options import EvaluationConfig
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
    """`projection:best.pt` for /runs/7/best.pt, or `projection:7/best.pt` where there is another best.pt.

    A base stands behind it where nothing else tells two apart.
    """
    names = _shortened([(kind, path) for kind, path, _ in origins])
    bases = _shortened([("@", base.removeprefix("@")) for _, _, base in origins])
    return [f"{name}{base}" if names.count(name) > 1 else name for name, base in zip(names, bases, strict=True)]


def _shortened(parts: Sequence[tuple[str, str]]) -> list[str]:
    """Kinds with the ends of their paths, as long as it takes to keep apart those that are not the same."""
    for depth in range(1, 1 + max(path.count("/") for _, path in parts)):
        names = [kind + "/".join(path.split("/")[-depth:]) for kind, path in parts]
        if len(set(names)) == len(set(parts)):
            return names
    return ["".join(part) for part in parts]
