"""A snapshot whose every text tries to be more than text: markup, scripts, directions, sizes, no characters at all."""

from __future__ import annotations

from pathlib import Path

from kat_ray.snapshot.snapshot import Snapshot
from kat_ray.snapshot.store import Store
from tests.viewer.changed import publish_changed

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
    texts = [TEXTS[row % len(TEXTS)] for row in range(plain.num_prompts)]
    messages = [[{"role": "user", "content": text}] for text in texts]
    prompts = {"text": texts, "messages": messages, "source": texts}
    pairs = {"messages": messages, "chosen": texts, "rejected": texts[::-1], "source": texts}
    terms = [{"label": item["label"], "size": item["size"], "terms": list(TEXTS[:4])} for item in plain.cluster_table]
    return publish_changed(store, plain, folder, "ff" * 16, prompts, pairs, terms)
