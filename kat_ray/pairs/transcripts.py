"""Turns the transcript strings of HH-RLHF into messages.

Knows the `Human:` / `Assistant:` markers; knows nothing of rows, replies or files.
"""

from __future__ import annotations

import itertools
import re
from operator import itemgetter

from kat_ray.errors import RowError
from kat_ray.records import Message

_TURN = re.compile(r"^(Human|Assistant):", re.MULTILINE)
_ROLES = {"Human": "user", "Assistant": "assistant"}


def parse_transcript(text: str) -> tuple[Message, ...]:
    """Messages of a transcript: a line that begins with `Human:` or `Assistant:` opens a turn.

    Line breaks inside a turn stay, its ends are stripped; an empty turn has the content "". Turns of one speaker in a
    row are one message, joined by a blank line: so a prefix alternates, and both replies of a pair answer the same one.

    Raises:
        RowError: when the text does not begin with a turn.
    """
    lead, *parts = _TURN.split(text)
    if lead.strip() or not parts:
        raise RowError("a reply is text without a prompt and no Human:/Assistant: transcript")
    turns = zip(parts[::2], map(str.strip, parts[1::2]), strict=True)
    spoken = itertools.groupby(turns, key=itemgetter(0))
    return tuple(Message(_ROLES[name], "\n\n".join(text for _, text in run if text)) for name, run in spoken)
