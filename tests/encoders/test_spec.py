"""What a spec names, and what of it may be shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from kat_ray.encoders.spec import anchored_spec, checkpoint_files, shown_spec


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with one model in it, and the same model at home."""
    (tmp_path / "models" / "sft").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("spec", "anchored", "checkpoints"),
    [
        ("", "", []),
        ("hashing", "hashing", []),
        ("sentence:models/other", "sentence:models/other", []),
        ("checkpoint:models/sft", "checkpoint:{here}/models/sft", []),
        ("sentence:./models/sft", "sentence:{here}/models/sft", []),
        ("checkpoint:~/models/sft", "checkpoint:{here}/models/sft", []),
        ("projection:a.pt", "projection:{here}/a.pt@BAAI/bge-m3", ["a.pt"]),
        ("projection:a.pt@models/sft", "projection:{here}/a.pt@{here}/models/sft", ["a.pt"]),
        ("projection:s3://k:s@b/a.pt@org/base", "projection:s3://k:s@b/a.pt@org/base", ["s3://k:s@b/a.pt"]),
    ],
)
def test_files_and_folders_that_are_here_get_their_path_from_the_root(
    spec: str, anchored: str, checkpoints: list[str], here: Path
) -> None:
    assert checkpoint_files(spec) == checkpoints
    assert anchored_spec(spec) == anchored.format(here=here)
    assert anchored_spec(anchored_spec(spec)) == anchored_spec(spec)


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
