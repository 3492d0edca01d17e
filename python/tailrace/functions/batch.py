"""What a destination's function gets, and what it says of the rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Operation = Literal["upsert", "update", "insert", "delete", "archive", "clear"]


@dataclass(frozen=True)
class Outcome:
    """What became of one row. Made by its class methods."""

    outcome: Literal["accepted", "rejected", "skipped", "retry", "unknown"]
    id: str = ""
    code: str = ""
    message: str = ""
    field: str = ""

    @classmethod
    def accepted(cls, id: str = "") -> Outcome:  # noqa: A002  (the tool's word)
        """The row is delivered. `id`: the tool's own of the record."""
        return cls("accepted", id=id)

    @classmethod
    def rejected(cls, message: str, *, code: str = "rejected", field: str = "") -> Outcome:
        """The tool does not take the row: it is held back until it changes."""
        return cls("rejected", code=code, message=message, field=field)

    @classmethod
    def missing(cls) -> Outcome:
        """There is no such record: an update passes over it, a removal is done."""
        return cls("skipped", code="missing")

    @classmethod
    def retry(cls, message: str, *, code: str = "try_again") -> Outcome:
        """Nothing happened to the row: it is sent again."""
        return cls("retry", code=code, message=message)

    @classmethod
    def unknown(cls, message: str, *, code: str = "unknown") -> Outcome:
        """Nobody knows whether the row is delivered. It is sent again, unless it is an insert that
        could be made twice."""
        return cls("unknown", code=code, message=message)


class TryLater(Exception):
    """Nothing of the batch was done, and it can be tried again.

    Args:
        message: What the tool said.
        after: Seconds before which no call is of use; a wait longer than the run may last ends it
            as a spent quota.
    """

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class BatchRefused(Exception):
    """Nothing of the batch was done, because of some row in it: the batch is halved until that row
    is alone, and rejected with this message."""

    def __init__(self, message: str, *, code: str = "refused") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Batch:
    """Rows of one operation.

    Attributes:
        operation: What is to be done with the records.
        rows: A dict for each row, by the names of the sync's fields, or an Arrow table. Under
            `nulls: keep` and `send: changed_fields` a dict lacks what is to be left alone. None
            in place of each for delete and archive, and of the table; `matches` say which records
            are meant.
        matches: The match value of each row, as text.
        keys: The key of each row, as it is in reports.
        object: The sync's object.
        match: The name of the match field.
        fields: The type of each field, by its name.
        idempotency_key: The same for every attempt of the same rows. Of an insert it stays the
            same over runs, as far as the function promises to honour it.
        attempt: 1, and one more for each time that these rows go again within the run.
        id: Of this call; no other call has it.
        options: What the connection gives, its secrets too.
    """

    operation: Operation
    rows: Any
    matches: list[str]
    keys: list[str]
    object: str
    match: str
    fields: Mapping[str, str]
    idempotency_key: str
    attempt: int
    id: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.keys)
