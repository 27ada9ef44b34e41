"""Weights of the rows of one training set: a snapshot's weights, joined to the rows by prompt id.

Knows ids and a weight table; nothing of torch or of any trainer. A join by id stays right for data sets that were
filtered, shuffled, or dropped rows on the way; a join by row number does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from kat_ray.arrays import Float64Vector
from kat_ray.errors import InputError
from kat_ray.records import prompt_id
from kat_ray.snapshot.keys import parse_keys
from kat_ray.snapshot.weight_table import WeightTable

PROMPT_COLUMNS = ("prefix", "prompt", "messages", "chosen")
"""Columns that may hold prompts, the first one found is taken."""
ID_COLUMN = "prompt_id"
"""A column of this name with 16 hex digits in its first row is taken as the ids of the rows."""


class TableHolder(Protocol):
    """Whatever has a current weight table: a `WeightsClient`."""

    @property
    def table(self) -> WeightTable:
        """The table that counts now."""
        ...


WeightSource = WeightTable | TableHolder


@dataclass(frozen=True, slots=True, eq=False)
class DatasetWeights:
    """How often each of R rows is to be drawn, and where that comes from."""

    snapshot_id: str
    """The snapshot that the weights are of."""
    rows_hash: str
    """Hash of the ids in row order: two data sets of equal hash have equal rows."""
    probabilities: Float64Vector
    """[R], positive, sum 1."""
    num_unknown: int
    """Rows whose prompt the snapshot does not have; they count as an average row."""
    num_shared: int
    """Rows that share their prompt with another row."""


def weight_table(source: WeightSource) -> WeightTable:
    """The table itself, or the one that a client holds now."""
    return source if isinstance(source, WeightTable) else source.table


def dataset_weights(source: WeightSource, ids: Sequence[str], per_prompt: bool = False) -> DatasetWeights:
    """Weights of rows with these prompt ids [R].

    Each row has the weight of its prompt; with `per_prompt` the rows of one prompt share it.

    Raises:
        InputError: there are no rows, or the snapshot has none of their prompts.
    """
    table = weight_table(source)
    return join_weights(table.snapshot_id, ids, table.lookup(ids).weights, per_prompt)


def joined(
    ids: Sequence[str] | DatasetWeights, source: WeightSource | None, per_prompt: bool = False
) -> DatasetWeights:
    """Weights that are joined already, or the ids joined to the source now.

    Raises:
        InputError: ids without a source; see `dataset_weights`.
    """
    if isinstance(ids, DatasetWeights):
        return ids
    if source is None:
        raise InputError("Ids alone have no weights: give a WeightsClient or a WeightTable as well.")
    return dataset_weights(source, ids, per_prompt)


def join_weights(
    snapshot_id: str, ids: Sequence[str], prompt_weights: Float64Vector, per_prompt: bool = False
) -> DatasetWeights:
    """The same from weights [R] of the rows' prompts that are already looked up; NaN marks an unknown prompt.

    Raises:
        InputError: see `dataset_weights`.
    """
    known = ~np.isnan(prompt_weights)
    if not known.any():
        raise InputError(
            f"None of the {len(ids):,} rows has a prompt of snapshot {snapshot_id}. Another data set, or prompts that "
            f"were altered before their ids were taken: give the ids, or keep them in a column {ID_COLUMN!r}."
        )
    texts = pa.array(ids, pa.string()).fill_null("")
    codes = texts.dictionary_encode().indices.to_numpy()
    copies = np.bincount(codes)[codes]
    values = np.where(known, prompt_weights, np.mean(prompt_weights[known]))
    if per_prompt:
        first = np.unique(codes, return_index=True)[1]
        average = np.mean(prompt_weights[first][known[first]])
        values = np.where(known, prompt_weights, average) / copies
    return DatasetWeights(
        snapshot_id=snapshot_id,
        rows_hash=_hash(texts, per_prompt),
        probabilities=values / values.sum(),
        num_unknown=int(np.count_nonzero(~known)),
        num_shared=int(np.count_nonzero(copies > 1)),
    )


def dataset_ids(dataset: Any, column: str | None = None) -> list[str]:
    """Prompt ids [R] of a Hugging Face data set, or of any sequence of mappings; "" where there is no user text.

    Taken from `column` (ids or prompts); else from a column `prompt_id` that holds 16 hex digits; else from the first
    of `prefix`, `prompt`, `messages`, `chosen`: a string, a list of messages, or {"messages": [...]}.

    Raises:
        InputError: no such column, prompts of another form, or a streamed data set, whose prompts are not known ahead.
    """
    if not hasattr(dataset, "__len__") or not len(dataset):
        raise InputError(f"The data set has no rows that can be counted ({type(dataset).__name__}); load it whole.")
    names = list(getattr(dataset, "column_names", None) or dataset[0])
    column = column or _prompt_column(dataset, names)
    if column not in names:
        raise InputError(f"The data set has no column {column!r}; it has {', '.join(names)}.")
    values = list(dataset[column][:]) if hasattr(dataset, "column_names") else [row[column] for row in dataset]
    return values if _is_id(values[0]) else ids_of_prompts(values)


def ids_of_prompts(prompts: Iterable[Any]) -> list[str]:
    """Ids of prompts given as strings, as message lists, or as {"messages": [...]}; "" where there is no user text.

    Raises:
        InputError: a prompt of another form.
    """
    return [prompt_id(prompt_text(prompt)) or "" for prompt in prompts]


def _prompt_column(dataset: Any, names: list[str]) -> str:
    if ID_COLUMN in names and _is_id(dataset[0][ID_COLUMN]):
        return ID_COLUMN
    usable = [name for name in PROMPT_COLUMNS if name in names]
    if not usable:
        raise InputError(
            f"No column of the data set tells its prompts: it has {', '.join(names)}; expected {ID_COLUMN} with 16 hex "
            f"digits, or one of {', '.join(PROMPT_COLUMNS)}. Name the column, or give the ids."
        )
    return usable[0]


def _is_id(value: object) -> bool:
    return isinstance(value, str) and len(value) == 16 and bool(parse_keys([value])[1][0])


def prompt_text(prompt: Any) -> str:
    """The text that a prompt's id is of: a string as it is, of a conversation the first user message.

    Raises:
        InputError: a prompt of another form.
    """
    if isinstance(prompt, str):
        return prompt
    messages = prompt.get("messages") if isinstance(prompt, Mapping) else prompt
    if not isinstance(messages, Sequence) or not all(isinstance(message, Mapping) for message in messages):
        raise InputError(
            f"A prompt is {type(prompt).__name__}; expected a string, a list of messages with role and content, or "
            '{"messages": [...]}. Give the ids instead.'
        )
    return next((_text(message["content"]) for message in messages if message.get("role") == "user"), "")


def _text(content: Any) -> str:
    """A message's text; of a list of parts, the text ones."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content or ())


def _hash(texts: pa.StringArray, per_prompt: bool) -> str:
    digest = hashlib.blake2b(b"shared" if per_prompt else b"full", digest_size=8)
    for text in texts.to_pylist():
        digest.update(text.encode() + b"\n")
    return digest.hexdigest()
