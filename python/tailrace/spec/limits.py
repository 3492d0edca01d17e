"""What stops a run, what it may get wrong, and how its rejected rows are kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from tailrace.spec.values import Amount, Growth, Strict, Text


def _amount_given(value: object) -> object:
    # `max_removed:` with nothing behind it would switch a guard off without saying so.
    if value is None:
        raise ValueError("is empty; 100% lets everything through")
    return value


Limit = Annotated[Amount | None, BeforeValidator(_amount_given)]
GrowthLimit = Annotated[Growth | None, BeforeValidator(_amount_given)]


class Guards(Strict):
    """What stops a run before its first request. A limit left out is its default.

    Shares are of the known keys, and those of `max_null_jump` percentage points of the model's
    rows: a field may be NULL in so many more of them than at the last run. Only `max_added` may be
    more than 100%, since a model can grow by any factor.
    """

    allow_empty: bool = False
    max_removed: Limit = None
    max_changed: Limit = None
    max_added: GrowthLimit = None
    max_null_jump: dict[Text, Amount] = Field(default_factory=dict)
    encoding: Limit = None


class Tolerate(Strict):
    """What may be wrong with a run that still counts as done."""

    rejected: Amount = Amount(0)


class Rejected(Strict):
    """How often a row is tried whose rejection may pass, and what is kept of the tool's words."""

    max_attempts: int = Field(default=10, ge=1, le=1000)
    messages: Literal["full", "code_only"] = "full"
