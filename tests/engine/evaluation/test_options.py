"""The places that an evaluation is told of: whole paths, and all that is read is there before Ray starts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.engine.evaluation.evaluation import evaluate
from kat_ray.engine.evaluation.options import EvaluationConfig, anchored, inputs
from kat_ray.errors import InputError


def test_all_places_stand_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models" / "sft").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    specs = ("hashing", "checkpoint:models/sft", "projection:a.pt@models/sft", "projection:s3://b/a.pt@org/base")
    config = EvaluationConfig("out", "data", tuple(map(EncoderConfig, specs)), ("x.npy",), ("y.npy",), snapshot="store")
    whole = anchored(config)
    told = [whole.out, *(location.uri for location, _ in inputs(whole))]
    assert told == [
        *(f"{tmp_path}/{name}" for name in ("out", "data", "store", "x.npy", "y.npy", "a.pt")),
        "s3://b/a.pt",
    ]
    sft = f"{tmp_path}/models/sft"
    anchored_specs = [encoder.spec for encoder in whole.encoders]
    assert anchored_specs == [
        "hashing", f"checkpoint:{sft}", f"projection:{tmp_path}/a.pt@{sft}", "projection:s3://b/a.pt@org/base",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"data": "/nowhere"}, "queries in a JSON"),
        ({"snapshot": "/nowhere"}, "a store or a snapshot"),
        ({"vectors": ("/nowhere",)}, "vectors in a .npy or .pt file"),
        ({"vectors": (__file__,), "document_vectors": ("/nowhere",)}, "vectors in a .npy or .pt file"),
        ({"encoders": (EncoderConfig("projection:/nowhere.pt@base"),)}, "a checkpoint in a .pt file"),
    ],
)
def test_a_path_that_is_not_there_is_told_before_ray_starts(change: dict[str, object], expected: str) -> None:
    fields = {"out": "out", "data": __file__, "encoders": (EncoderConfig("hashing"),), "address": "127.0.0.1:1"}
    with pytest.raises(InputError, match=rf"^/nowhere(\.pt)? does not exist; expected {re.escape(expected)}"):
        evaluate(EvaluationConfig(**{**fields, **change}))  # type: ignore[arg-type]
