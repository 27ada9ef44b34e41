"""What an encoder is: a spec in, texts to tokens to unit rows, and an identity that says which numbers these are.

Values and a protocol; how a spec becomes an encoder stands in `loading`.
Two encoders of equal identity give vectors within 1e-5 (reduced precision: the neighbor overlap stated in the README).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from kat_ray.arrays import Float32Matrix, Int32Vector
from kat_ray.errors import EncoderError

Device = Literal["auto", "cpu", "gpu"]
Precision = Literal["auto", "float32", "bfloat16", "float16", "int8"]
Pooling = Literal["auto", "mean", "cls", "logits"]

DEFAULT_SPEC = "sentence:sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Which encoder and how it runs; picklable, so that it travels to workers."""

    spec: str = DEFAULT_SPEC
    """`sentence:NAME`, `checkpoint:PATH-or-hub-id`, `projection:CHECKPOINT@BASE`, or `hashing`."""
    device: Device = "auto"
    """auto: the GPU that this process sees, else the CPU; "gpu" without one is an error."""
    precision: Precision = "auto"
    """auto: bfloat16 on a CPU that has it, float16 on a GPU, else float32; int8 is for sentence models on a CPU."""
    pooling: Pooling = "auto"
    """auto: what the sentence model says, else the mean of the hidden states; "logits" is for checkpoints."""
    token_limit: int | None = None
    """Tokens kept of a text; None takes the encoder's own limit (512 for checkpoints and projections)."""
    threads: int = 1
    """CPU threads of one encoder; the bytes of a sentence model's vectors do not depend on it."""

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise EncoderError(f"threads is {self.threads}; an encoder needs at least 1.")
        if self.token_limit is not None and self.token_limit < 1:
            raise EncoderError(f"token_limit is {self.token_limit}; expected at least 1, or none given.")

    @property
    def kind(self) -> str:
        """The part of the spec before the colon."""
        return self.spec.partition(":")[0]

    @property
    def target(self) -> str:
        """The part of the spec after the colon: a model's name or folder."""
        return self.spec.partition(":")[2]


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """All that decides the vectors besides the text; plain values, so that `dataclasses.asdict` gives JSON."""

    name: str
    """The spec with the canonical name, without paths: of a model on the hub it loads the same encoder anywhere."""
    revision: str
    """Hash of weights, tokenizer and settings (32 hex digits)."""
    dimension: int
    token_limit: int
    pooling: str
    precision: str

    def decisive(self) -> dict[str, Any]:
        """All that decides the vectors: everything but the name, which a copied folder changes."""
        return {name: value for name, value in asdict(self).items() if name != "name"}


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token ids of B texts, one text after the other: `ids[sum(lengths[:i]):][:lengths[i]]` belongs to text i."""

    ids: Int32Vector
    """[T] with T = sum(lengths)."""
    lengths: Int32Vector
    """[B] after truncation, at least 1 each."""
    full_lengths: Int32Vector
    """[B] before truncation; larger than `lengths` where a text was cut."""


class Encoder(Protocol):
    """Texts to unit rows in two steps, so that tokenizing can run apart from the device."""

    @property
    def identity(self) -> EncoderIdentity:
        """Which numbers these are."""
        ...

    @property
    def epoch(self) -> int | None:
        """Epoch of training that a checkpoint states; None where none does."""
        ...

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Token ids of the texts, cut at the token limit."""
        ...

    def encode(self, tokens: Tokens) -> Float32Matrix:
        """Unit rows [B, D] in input order; batches are planned from the lengths only, so equal tokens give equal bytes.

        Raises:
            EncoderError: when a vector is not finite or has no direction.
        """
        ...
