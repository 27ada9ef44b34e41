"""What is wrong with an evaluation shows before anything is encoded, and nothing is left behind."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from kat_ray.encoders.encoder import EncoderConfig
from kat_ray.engine.evaluation.options import EvaluationConfig
from kat_ray.engine.evaluation.plan import plan_evaluation, require_encoders
from kat_ray.errors import EncoderError, InputError, ResourceError


@pytest.fixture
def data(tmp_path: Path) -> str:
    (tmp_path / "data.json").write_text(json.dumps([{"query": f"q {row}", "pos": f"a {row}"} for row in range(6)]))
    return str(tmp_path / "data.json")


def save(path: Path, count: int) -> str:
    np.save(path, np.random.default_rng(1).normal(size=(2, count, 8)).astype(np.float32))
    return str(path)


def test_every_file_of_vectors_is_looked_at_though_texts_are_given(data: str, tmp_path: Path) -> None:
    files = (save(tmp_path / "good.npy", 6), save(tmp_path / "bad.npy", 4))
    config = EvaluationConfig(str(tmp_path / "out"), data, (EncoderConfig("hashing"),), files, max_samples=3)
    with pytest.raises(InputError, match=r"/bad.npy holds vectors of 4 queries and 4 documents, expected 6 and 6"):
        plan_evaluation(config)


@pytest.mark.parametrize(("repeats", "told"), [(1, None), (2, "45 of 90 .* count as one"), (3, "60 of 90 .* apart")])
def test_equal_documents_are_told_whether_they_are_joined_or_not(
    repeats: int, told: str | None, tmp_path: Path
) -> None:
    vectors = np.random.default_rng(1).normal(size=(2, 90 // repeats, 8)).astype(np.float32)
    np.save(tmp_path / "x.npy", np.tile(vectors, (1, repeats, 1)))
    plan = plan_evaluation(EvaluationConfig(str(tmp_path / "out"), vectors=(str(tmp_path / "x.npy"),)))
    assert len(plan.notices) == (told is not None)
    assert told is None or re.match(f"{told}.*", plan.notices[0])


def test_nothing_is_left_where_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.json does not exist"):
        plan_evaluation(EvaluationConfig(f"{tmp_path}/runs/out", f"{tmp_path}/nowhere.json", (EncoderConfig(),)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("out", ["file", "file/out", "file/out/deeper"])
def test_a_file_in_the_place_of_a_folder_is_told(out: str, data: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResourceError, match=rf"^Cannot write into .*/{out} \(.*\); name another folder"):
        plan_evaluation(EvaluationConfig(f"{tmp_path}/{out}", data, (EncoderConfig(),)))


def test_an_encoder_is_looked_at_as_it_is_to_run(data: str, tmp_path: Path) -> None:
    torch.save({"w": torch.eye(384)[:32]}, tmp_path / "best.pt")
    encoder = EncoderConfig(f"projection:{tmp_path}/best.pt@all-MiniLM-L6-v2", precision="int8")
    with pytest.raises(EncoderError, match="int8 is for sentence models"):
        require_encoders(EvaluationConfig(str(tmp_path / "out"), data, (encoder,), device="cpu"))
