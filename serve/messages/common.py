"""What all messages share: strict fields, forms of ids, and the one form of every error."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

ID_PATTERN = r"^[0-9a-f]{16}$"

SnapshotId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
PromptId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


def _whole(value: object) -> object:
    """5.0 is a whole number in JSON as 5 is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""For fields that are whole numbers."""

SNAPSHOT = "bb3535d7905ffd53"
PROMPT = "47efe636b4484456"


def example(value: Any) -> ConfigDict:
    """The configuration of a message that shows an example in the API description."""
    return ConfigDict(json_schema_extra={"examples": [value]})


class Message(BaseModel):
    """A JSON object with exactly these keys, each of its own type: "5" is no number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Problem(Message):
    """Why a request was not answered, in a sentence that says what to do; it never repeats what was asked."""

    model_config = example({"detail": "No snapshot is ready to be served yet; try again soon."})
    detail: str
