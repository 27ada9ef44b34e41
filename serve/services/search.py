"""Prompts by what they say: the very characters, or the meaning."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from serve.services.prompts import Prompts
from serve.services.texts import Texts
from serve.services.unseen import UnseenTexts

SearchMode = Literal["substring", "meaning"]


class Search:
    """Search in one snapshot."""

    def __init__(self, texts: Texts, prompts: Prompts, unseen: UnseenTexts) -> None:
        self._texts = texts
        self._prompts = prompts
        self._unseen = unseen

    def find(self, text: str, mode: SearchMode, limit: int) -> dict[str, Any]:
        """Up to `limit` prompts: by substring in the order of the snapshot, by meaning the nearest first with their
        distances; `total` counts all that hold the substring.

        Raises:
            RefusedError: the snapshot's encoder, which search by meaning needs, is not available.
        """
        if mode == "meaning":
            rows, distances = self._unseen.nearest_rows(text, limit)
            found = self._prompts.briefs(np.array(rows, np.int64))
            for brief, distance in zip(found, distances, strict=True):
                brief["distance"] = distance
            return {"mode": mode, "total": None, "results": found}
        matches = self._texts.rows_with(text)
        found = self._prompts.briefs(matches[:limit])
        return {"mode": mode, "total": len(matches), "results": [{**brief, "distance": None} for brief in found]}
