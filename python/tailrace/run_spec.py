"""The run spec: a compiled sync, and what belongs to one run of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace import __version__
from tailrace.errors import ConfigError
from tailrace.running import new_run_id
from tailrace.store_memory import KnownState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.compile.compiled import Compiled
    from tailrace.run_options import RunOptions
    from tailrace.store_memory import StoreMemory

_SPEC_FORMAT = 1
_BUFFER_BYTES = 8 << 20
_PLANNING = ("run", "plan")
_TIMING = {
    "lease_s": 60,
    "send_window_s": 30,
    "deadline_s": None,
    "drain_s": 3,
}


def run_spec(
    compiled: Compiled,
    *,
    task: str,
    options: RunOptions,
    connection: dict[str, Any],
    state: dict[str, Any],
    directory: str,
    keep_plan: str = "",
    try_send: bool = False,
) -> dict[str, Any]:
    """All of the run spec but its source. Holds secrets: it goes to the core and nowhere else.

    Args:
        task: run, plan, adopt, verify or try.
        connection: As `connections.resolving.resolve` made it.
        directory: Where the changeset may spill to.
        keep_plan: The file in which a run or a plan that a guard refuses leaves what it would have
            sent; a run that is not refused takes it away. Empty: it is kept nowhere.
        try_send: Whether the task `try` sends its requests.

    Raises:
        ConfigError: The task does not do what the options ask for.
    """
    return {
        "format": _SPEC_FORMAT,
        "run_id": new_run_id(),
        "project": compiled.project,
        "sync": compiled.sync,
        "task": task,
        **compiled.spec,
        "connection": connection,
        **_told(options, task, keep_plan),
        "try_send": try_send,
        "state": state,
        "timing": _TIMING,
        "memory": {
            "buffer_bytes": _BUFFER_BYTES,
            "directory": directory,
        },
        "user_agent": _user_agent(options.caller),
    }


def _told(options: RunOptions, task: str, keep_plan: str) -> dict[str, Any]:
    told = options.of_run(task)
    if keep_plan and task in _PLANNING:
        told["plan"] = {**(told["plan"] or {}), "keep": keep_plan}
    return told


def _user_agent(caller: str) -> str:
    return f"tailrace/{__version__}" + (f" ({caller})" if caller else "")


def expected_state(
    given: Mapping[str, Any] | None, *memories: StoreMemory
) -> dict[str, Any] | None:
    """The state that the run has to find: what the caller gives, else what the first of the
    memories that has seen any remembers.

    Raises:
        ConfigError: What is given lacks a member.
    """
    if given is None:
        known = next(filter(None, (memory.read() for memory in memories)), None)
        return known.to_dict() if known else None
    try:
        return KnownState.of(given).to_dict()
    except ValueError as error:
        raise ConfigError(str(error), key="expect_state") from None


def query_comment(sync: str, labels: Mapping[str, str]) -> str:
    """`tailrace sync=… dag=…`, of characters that cannot end an SQL comment."""
    pairs = [("sync", sync), *labels.items()]
    text = " ".join(f"{name}={value}" for name, value in pairs)
    kept = "".join(one if one.isalnum() or one in " =_.:-+@" else "_" for one in text)
    return f"tailrace {kept}"[:500]
