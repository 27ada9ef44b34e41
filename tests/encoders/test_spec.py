"""What a spec names, and what of it may be shown."""

from __future__ import annotations

import pytest

from kat_ray.encoders.spec import shown_spec


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ("hashing", "hashing"),
        ("sentence:all-MiniLM-L6-v2", "sentence:all-MiniLM-L6-v2"),
        ("checkpoint:/models/run@home", "checkpoint:/models/run@home"),
        ("projection:s3://KEY:SECRET@bucket/best.pt?region=eu@org/base", "projection:s3://bucket/best.pt@org/base"),
        ("checkpoint:s3://KEY:SECRET@bucket/model", "checkpoint:s3://bucket/model"),
        ("s3://KEY:SECRET@bucket/model", "s3://bucket/model"),
    ],
)
def test_credentials_are_not_shown(spec: str, shown: str) -> None:
    assert shown_spec(spec) == shown
