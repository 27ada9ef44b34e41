"""A snapshot whose every text tries to be more than text: markup, scripts, directions, sizes, no characters at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from kat_ray.snapshot import columns
from kat_ray.snapshot.column_record import record_column
from kat_ray.snapshot.manifest import COLUMN_FILES, snapshot_id
from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from kat_ray.storage import Location

MARK = "window.__hostile=1"
TEXTS = (
    f"<img src=x onerror='{MARK}'>",
    f"<script>{MARK}</script>",
    f"</title></script><svg onload='{MARK}'>",
    f'<style>*{{display:none}}</style><iframe srcdoc="<script>parent.{MARK}</script>">',
    f"[link](javascript:{MARK}) javascript:{MARK}",
    "\u202egnp.exe evil \u2066isolated \u202a\u202a\u202a",
    "Z\u0351\u0321a\u0337\u0328l" + "\u0336\u0337\u0338" * 200 + "go",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 300,
    "w" * 20_000,
    "line\n" * 2_000,
    "nul \x00 bell \x07 escape \x1b[31m tab \t",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u5bbf\u984c {{constructor.constructor('x')()}} ${7*7}",
)


def publish_hostile(store: Store, plain: Snapshot, folder: Path) -> str:
    """Publish the prompts of another snapshot with these texts as prompts, replies, sources and words of clusters."""
    work = Location(str(folder))
    for record in plain.manifest.columns:
        (work / record.file).write_bytes((plain.folder_of(record.name) / record.file).read_bytes())
    texts = [TEXTS[row % len(TEXTS)] for row in range(plain.num_prompts)]
    messages = [[{"role": "user", "content": text}] for text in texts]
    prompts = {"text": texts, "messages": messages, "source": texts}
    pairs = {"messages": messages, "chosen": texts, "rejected": texts[::-1], "source": texts}
    _replace(work, "prompts", plain.prompts(), prompts)
    _replace(work, "pairs", plain.pairs(), pairs)
    terms = [{"label": item["label"], "size": item["size"], "terms": list(TEXTS[:4])} for item in plain.cluster_table]
    (work / COLUMN_FILES["cluster_terms"]).write_bytes(json.dumps(terms).encode())
    records = tuple(record_column(record.name, work / record.file) for record in plain.manifest.columns)
    parameters = {**plain.manifest.parameters, "input_hash": "ff" * 16}
    manifest = replace(
        plain.manifest,
        snapshot_id=snapshot_id(parameters),
        parameters=parameters,
        columns=records,
        input_hash="ff" * 16,
    )
    return store.publish(work, manifest).snapshot_id


def _replace(work: Location, name: str, table: pa.Table, changes: dict[str, list[object]]) -> None:
    schema = getattr(columns, f"{name.upper()}_SCHEMA")
    for column, values in changes.items():
        place = table.column_names.index(column)
        table = table.set_column(place, table.schema.field(column), pa.array(values, table.schema.field(column).type))
    columns.write_parquet(work / COLUMN_FILES[name], schema, [table])
