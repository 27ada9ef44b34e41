"""Reads an evaluation set from a file or folder: queries, and the documents that are right for them.

    JSON         one list of objects
    JSONL        one object a line
    Parquet      a row each
    a folder     of such files, or a dataset as `datasets` saves it to disk

JSON and JSONL may be compressed by gzip. Knows files; the names that rows use stand in samples.py. A row that cannot be
used is a reject, a file without any that can is an error.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator

import orjson
import pyarrow as pa

from kat_ray.errors import EmptyCorpusError, InputError, ResourceError, RowError, first_line
from kat_ray.evaluation.relevance import EvaluationSet
from kat_ray.evaluation.samples import COLUMNS, Sample, collect, parse_sample
from kat_ray.pairs.guarded import GuardedFile
from kat_ray.pairs.lines import LineReader
from kat_ray.pairs.reader import commonest, json_reason
from kat_ray.pairs.splits import Split, find_files, plan_splits
from kat_ray.pairs.tables import TableReader, decode_rows
from kat_ray.storage import Location

_LONGEST_LIST_BYTES = 512 << 20
_PEEK_BYTES = 64 << 10
_WHOLE = 1 << 62
_SAVED, _SAVED_SPLITS = "state.json", "dataset_dict.json"

_Rows = Iterable[tuple[int, object]]
"""Numbers from 1 inside a file, and rows, or a RowError that says why one cannot be read."""


def read_evaluation_set(uri: str, max_samples: int | None = None) -> EvaluationSet:
    """The distinct queries and documents of a file or folder, and who is relevant to whom.

    Args:
        uri: a JSON, JSONL, gzip or Parquet file, a folder of them, or a dataset saved to disk.
        max_samples: distinct queries: the first ones, no draw, with the judgments of all rows. None for all.

    Raises:
        InputError: a path that is missing, a file that is empty or cannot be read, or no row that can be used.
        ResourceError: the storage failed while it was read.
    """
    location = Location(uri)
    if max_samples is not None and max_samples < 1:
        raise InputError(f"The largest number of samples is {max_samples}, expected at least 1.")
    if not location.exists():
        raise InputError(f"{location} does not exist; expected a JSON, JSONL or Parquet file with query and pos.")
    found = collect(_numbered(_sources(location)), max_samples)
    if found.evaluation_set is None:
        reasons = commonest(found.rejects) or "there are no rows"
        raise EmptyCorpusError(
            f"No row of {location} can be used: {reasons}. Expected rows with query (a text) and pos (a text or a "
            "list of texts)."
        )
    return found.evaluation_set


def _numbered(sources: Iterable[_Rows]) -> Iterator[tuple[int, Sample | str]]:
    """Samples or reasons with their numbers: lines of JSONL, rows of everything else.

    Numbers go on from file to file, after the last line of the one before that is not blank.
    """
    before = 0
    for source in sources:
        number = 0
        for number, row in source:
            try:
                if isinstance(row, RowError):
                    raise row
                outcome: Sample | str = parse_sample(row)
            except RowError as error:
                outcome = str(error)
            yield before + number, outcome
        before += number


def _sources(location: Location) -> Iterator[_Rows]:
    if (location / _SAVED_SPLITS).exists():
        location = _only_split(location)
    if (location / _SAVED).exists():
        yield from map(_arrow_rows, _arrow_files(location))
        return
    if not any(size for _, size in find_files([location.uri])):
        raise InputError(f"{location} is empty; expected rows with query and pos.")
    for split in plan_splits([location.uri], split_bytes=_WHOLE):
        if split.format == "parquet":
            yield _table_rows(split)
        else:
            yield _list_rows(split) if _is_list(split) else _line_rows(split)


def _line_rows(split: Split) -> _Rows:
    lines = LineReader(split)
    for number, line in lines:
        if isinstance(line, str):
            yield number, RowError(line)
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield number, RowError(json_reason(error))
        else:
            lines.has_rows = True
            yield number, row


def _list_rows(split: Split) -> _Rows:
    with Location(split.uri).open_input() as stream:
        opened = gzip.GzipFile(fileobj=stream) if split.format == "gzip" else stream
        try:
            content = opened.read(_LONGEST_LIST_BYTES + 1)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise InputError(f"The gzip data of {Location(split.uri)} are damaged; compress the file again.") from None
    if len(content) > _LONGEST_LIST_BYTES:
        raise InputError(
            f"{Location(split.uri)} is one JSON list of more than {_LONGEST_LIST_BYTES >> 20} MiB; write one object a "
            "line (JSONL), which is read in parts."
        )
    try:
        yield from enumerate(orjson.loads(content.removeprefix(b"\xef\xbb\xbf")), 1)
    except orjson.JSONDecodeError as error:
        raise InputError(
            f"{Location(split.uri)} begins like a JSON list but is none: {json_reason(error)}, in line "
            f"{error.lineno:,}."
        ) from None


def _table_rows(split: Split) -> _Rows:
    for number, row in TableReader(split, COLUMNS):
        yield number, RowError(row) if isinstance(row, str) else row


def _is_list(split: Split) -> bool:
    """Whether the text begins with a bracket, as no row of JSONL does."""
    with Location(split.uri).open_input() as stream:
        opened = gzip.GzipFile(fileobj=stream) if split.format == "gzip" else stream
        try:
            return bool(opened.read(_PEEK_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["))
        except (EOFError, gzip.BadGzipFile, zlib.error):
            return False  # the reader of lines tells what is wrong


def _only_split(folder: Location) -> Location:
    names = sorted({name.partition("/")[0] for name, _ in folder.children(recursive=True) if name.endswith(_SAVED)})
    if len(names) != 1:
        raise InputError(f"{folder} holds the splits {', '.join(names) or '(none)'}; name one, as in {folder}/test.")
    return folder / names[0]


def _arrow_files(folder: Location) -> list[Location]:
    """The files of a dataset saved to disk, in order."""
    try:
        names = [entry["filename"] for entry in orjson.loads((folder / _SAVED).read_bytes())["_data_files"]]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        names = []
    if not names or not all(isinstance(name, str) and "/" not in name for name in names):
        raise InputError(f"{folder}/{_SAVED} does not list the data files of a saved dataset; save it again.")
    files = [folder / name for name in names]
    for file in files:
        if not file.exists():
            raise InputError(f"{file} is missing, though {folder}/{_SAVED} lists it; save or copy the dataset again.")
    return files


def _arrow_rows(location: Location) -> _Rows:
    number = 0
    with _opened(location) as stream:
        try:
            with pa.ipc.open_stream(GuardedFile(stream, location)) as batches:
                names = [name for name in COLUMNS if name in batches.schema.names]
                for batch in batches:
                    for row in decode_rows(batch.select(names)):
                        number += 1
                        yield number, RowError(row) if isinstance(row, str) else row
        except (pa.ArrowException, OSError):
            yield number + 1, RowError("the Arrow data are damaged; the rest of the file was not read")


def _opened(location: Location) -> pa.NativeFile:
    try:
        return location.open_input()
    except OSError as error:
        raise ResourceError(f"Cannot open {location}: {first_line(error)}; run the same command again.") from error
