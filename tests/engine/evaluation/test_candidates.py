"""What is evaluated side by side has names that are short, tell all apart and hold no secret."""

from __future__ import annotations

import pytest

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.engine.evaluation.candidates import candidates_of
from kat_ray.engine.evaluation.options import EvaluationConfig, anchored


@pytest.mark.parametrize(
    ("specs", "vectors", "names"),
    [
        (["sentence:org/model", "hashing"], [], ["sentence:model", "hashing"]),
        (["projection:/a/1/x.pt", "projection:/a/2/x.pt"], [], ["projection:1/x.pt", "projection:2/x.pt"]),
        (["projection:/a/x.pt@b", "projection:/a/x.pt@c"], [], ["projection:x.pt@b", "projection:x.pt@c"]),
        (["projection:/a/x.pt", "projection:/a/x.pt@/m/b", "projection:/a/x.pt@/n/b", "projection:/a/y.pt", "hashing"],
         ["/b/x.npy"], ["projection:x.pt@BAAI/bge-m3", "projection:x.pt@m/b",
         "projection:x.pt@n/b", "projection:y.pt", "hashing", "x.npy"]),
        (["hashing"], [], ["hashing"]),
        (["projection:s3://key:secret@runs/7/x.pt?region=eu"], ["/a/x.pt"], ["projection:x.pt", "x.pt"]),
        (["checkpoint:runs/7", "checkpoint:runs/8"], ["s3://b/1.pt", "s3://c/1.pt"],
         ["checkpoint:runs/7", "checkpoint:runs/8", "b/1.pt", "c/1.pt"]),
    ],
)  # fmt: skip
def test_names_are_short_and_tell_all_apart(specs: list[str], vectors: list[str], names: list[str]) -> None:
    config = EvaluationConfig("out", "data", tuple(map(EncoderConfig, specs)), tuple(vectors))
    found = candidates_of(anchored(config))
    assert [candidate.name for candidate in found] == names
    assert not any("secret" in candidate.name + candidate.origin for candidate in found)


@pytest.mark.parametrize(
    "spec",
    [
        "sentence:s3://KEY:SECRET@bucket/a",
        "checkpoint:s3://KEY:SECRET@bucket/a",
        "s3://KEY:SECRET@bucket/a",
        "projection:s3://KEY:SECRET@bucket/a.pt@s3://KEY:SECRET@bucket/base",
    ],
)
def test_credentials_are_in_no_name(spec: str) -> None:
    (found,) = candidates_of(EvaluationConfig("out", "data", (EncoderConfig(spec),)))
    assert "bucket/a" in found.origin
    assert not any("KEY" in shown or "SECRET" in shown for shown in (found.name, found.origin))
