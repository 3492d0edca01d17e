"""Exit codes: their names, their precedence when several syncs run, and what to do about each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

DONE = 0
REJECTED = 1
CONFIG = 2
REFUSED = 3
BUSY = 4
UNFINISHED = 5
QUOTA = 6
STATE_LOST = 7
INTERRUPTED = 130
TERMINATED = 143

# The first that applies is the exit code of several runs together.
PRECEDENCE = (
    STATE_LOST,
    CONFIG,
    REFUSED,
    BUSY,
    TERMINATED,
    INTERRUPTED,
    QUOTA,
    UNFINISHED,
    REJECTED,
    DONE,
)

STATUS_CODES = {
    "done": DONE,
    "planned": DONE,
    "rejected": REJECTED,
    "config": CONFIG,
    "refused": REFUSED,
    "busy": BUSY,
    "unfinished": UNFINISHED,
    "quota": QUOTA,
    "state_lost": STATE_LOST,
    "cancelled": INTERRUPTED,
}

_ADVICE = {
    REJECTED: (
        "More rows were rejected or invalid than the sync tolerates. `tailrace rejected{select}` "
        "lists them; they are sent again when the row or the mapping changes, and parked ones "
        "when you have looked (`--retry`)."
    ),
    CONFIG: "Correct the configuration; `tailrace check{select}` looks at it without sending.",
    REFUSED: (
        "No request was sent. `tailrace plan{select}` shows the rows; if they are what you want, "
        "`tailrace run{select} --allow-guard {guard}` sends them once."
    ),
    BUSY: "Another run of this sync is at work. Run again when it has ended.",
    UNFINISHED: "Run again: what is settled is not sent twice, and the rest goes on.",
    QUOTA: "The account's quota is spent. Run again{not_before}; what is settled stays settled.",
    STATE_LOST: (
        "Nothing was sent. Restore the state store, or take a new baseline with "
        "`tailrace reset{select}`: the next run then sends every row and deletes nothing."
    ),
    INTERRUPTED: "Stopped by a signal. Run again: what is settled is not sent twice.",
    TERMINATED: "Stopped by a signal. Run again: what is settled is not sent twice.",
}


def first_that_applies(codes: Iterable[int]) -> int:
    """The exit code of several syncs. A code that is not in the table outranks none but done."""
    found = set(codes)
    for code in PRECEDENCE[:-1]:
        if code in found:
            return code
    return next(iter(sorted(found - {DONE})), DONE)


def advice(
    code: int, *, sync: str | None = None, guard: str | None = None, not_before: str | None = None
) -> str:
    """What to do about an exit code, empty for done. Never a promise that waiting helps."""
    return _ADVICE.get(code, "").format(
        select=f" --select {sync}" if sync else "",
        guard=guard or "NAME",
        not_before=f" after {not_before}" if not_before else " later",
    )
