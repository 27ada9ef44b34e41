"""Sentence models in the sentence-transformers layout: a transformer, mean or first-token pooling, unit rows.

Reads modules.json and what it points to; knows nothing of how a device computes. Rows are always scaled to unit length,
also for a model that has no such step of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kat_ray.encoders.architecture import token_limit, usable_positions
from kat_ray.encoders.batched_encoder import BatchedEncoder, Engine
from kat_ray.encoders.calibration import calibration_texts
from kat_ray.encoders.devices import resolve_device, resolve_precision
from kat_ray.encoders.encoder import Encoder, EncoderConfig, EncoderIdentity, Tokens
from kat_ray.encoders.integer_model import integer_settings
from kat_ray.encoders.model_files import ModelFiles, find_model, read_json
from kat_ray.encoders.tokenizer import TextTokenizer, TokenizerConfig
from kat_ray.errors import EncoderError

_ORGANIZATION = "sentence-transformers"
_OLD_POOLING_KEY = "pooling_mode_"
_OLD_POOLING_NAMES = {"cls_token": "cls", "mean_tokens": "mean"}


def load_sentence_encoder(config: EncoderConfig) -> Encoder:
    """See `load_encoder`."""
    model = _describe(config)
    return BatchedEncoder(model.identity, _tokenizer(model, config.threads), _engine(model, config.threads))


def load_sentence_tokenizer(config: EncoderConfig) -> TextTokenizer:
    """See `load_tokenizer`."""
    return _tokenizer(_describe(config), config.threads)


def identify_sentence_encoder(config: EncoderConfig) -> EncoderIdentity:
    """See `identify_encoder`."""
    return _describe(config).identity


@dataclass(frozen=True, slots=True)
class _SentenceModel:
    files: ModelFiles
    identity: EncoderIdentity
    device: str
    lower_case: bool
    calibration: Tokens | None
    """What sets the ranges of int8; None for floats."""


def _describe(config: EncoderConfig) -> _SentenceModel:
    device = resolve_device(config)
    files = find_model(_full_name(config.target))
    own_pooling = _pooling(files)
    pooling = own_pooling if config.pooling == "auto" else config.pooling
    if pooling not in ("mean", "cls"):
        raise EncoderError(f"A sentence model has no {pooling} pooling; choose mean or cls, or leave it out.")
    _refuse_prompt(files)
    transformer = read_json(files.folder / "sentence_bert_config.json", dict)
    lower_case = bool(transformer.get("do_lower_case"))
    limit, precision = _token_limit(config, files, transformer), resolve_precision(config, device)
    tokenizer = TokenizerConfig(limit, lower_case=lower_case)
    calibration = _calibration(files, tokenizer, config.threads) if precision == "int8" else None
    settings = {} if calibration is None else integer_settings(calibration)
    identity = EncoderIdentity(
        name=f"sentence:{files.name}",
        revision=files.revision({"pooling": pooling, "normalize": True, "lower_case": lower_case, **settings}),
        dimension=int(files.config["hidden_size"]),
        token_limit=limit,
        pooling=pooling,
        precision=precision,
    )
    return _SentenceModel(files, identity, device, lower_case, calibration)


def _calibration(files: ModelFiles, tokenizer: TokenizerConfig, threads: int) -> Tokens:
    return TextTokenizer(files.tokenizer, tokenizer, threads)(calibration_texts())


def _full_name(target: str) -> str:
    """A bare name belongs to the organization of sentence-transformers, unless it is a folder here."""
    is_bare = target and "/" not in target and not Path(target).is_dir()
    return f"{_ORGANIZATION}/{target}" if is_bare else target


def _pooling(files: ModelFiles) -> str:
    """The pooling that modules.json names; other chains than transformer, pooling, normalize are refused."""
    modules = read_json(files.folder / "modules.json", list)
    kinds = [str(module.get("type")).rpartition(".")[2] for module in modules]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]) or modules[0].get("path"):
        raise EncoderError(
            f"{files.name} is a chain of {', '.join(kinds) or 'nothing'}; only Transformer, Pooling and Normalize are "
            "understood. Choose another sentence model, for example all-MiniLM-L6-v2."
        )
    settings = read_json(files.folder / str(modules[1].get("path")) / "config.json", dict)
    modes = _pooling_modes(settings)
    if modes not in (["mean"], ["cls"]):
        raise EncoderError(f"{files.name} pools by {' and '.join(modes) or 'nothing'}; expected mean or cls.")
    return modes[0]


def _pooling_modes(settings: dict[str, Any]) -> list[str]:
    """Newer models name the mode, older ones set one of several flags."""
    if "pooling_mode" in settings:
        mode = settings["pooling_mode"]
        return [mode] if isinstance(mode, str) else list(mode)
    flags = [key for key, is_set in settings.items() if key.startswith(_OLD_POOLING_KEY) and is_set]
    names = [flag.removeprefix(_OLD_POOLING_KEY) for flag in flags]
    return [_OLD_POOLING_NAMES.get(name, name) for name in names]


def _token_limit(config: EncoderConfig, files: ModelFiles, transformer: dict[str, Any]) -> int:
    tokenizer, settings = read_json(files.folder / "tokenizer_config.json", dict), files.config
    own = transformer.get("max_seq_length") or tokenizer["model_max_length"]
    positions = int(settings["max_position_embeddings"])
    usable = usable_positions(settings.get("model_type"), positions, settings.get("pad_token_id"))
    return token_limit(config, int(own), usable, files.name)


def _refuse_prompt(files: ModelFiles) -> None:
    path = files.folder / "config_sentence_transformers.json"
    prompt = read_json(path, dict).get("default_prompt_name") if path.is_file() else None
    if prompt is not None:
        raise EncoderError(
            f"{files.name} puts its prompt {prompt!r} before every text, which is not supported; choose another model."
        )


def _tokenizer(model: _SentenceModel, threads: int) -> TextTokenizer:
    settings = TokenizerConfig(model.identity.token_limit, lower_case=model.lower_case)
    return TextTokenizer(model.files.tokenizer, settings, threads)


def _engine(model: _SentenceModel, threads: int) -> Engine:
    identity = model.identity
    if model.device == "gpu":
        from kat_ray.encoders.torch_engine import TorchEngine

        return TorchEngine(model.files, identity.pooling, identity.precision, model.device, threads)
    from kat_ray.encoders.cpu_engine import CpuEngine

    return CpuEngine(model.files, identity.pooling, identity.precision, threads, model.calibration)
