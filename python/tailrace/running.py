"""Drives one run of the core from Python's main thread, and tells how it ended."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any

from tailrace.errors import ConfigError, SourceError, TailraceError, error_of_status
from tailrace.report import Progress, RunReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace import _core
    from tailrace.functions.calling import Caller

# How long the main thread stays in native code: signals and timeouts are heard between waits.
WAIT_S = 0.2
# After a cancel everything in flight is settled or unknown within this time.
DRAIN_S = 3.0


def new_run_id() -> str:
    """`r_<UTC time>_<random>`: sorts by time, and no two runs share one."""
    return f"r_{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}_{secrets.token_hex(3)}"


def drive(
    spec: dict[str, Any],
    stream: object | None,
    progress: Callable[[Progress], object] | None = None,
    caller: Caller | None = None,
) -> dict[str, Any]:
    """Start, wait in short steps, and return the core's result.

    Whatever is raised meanwhile (a signal's exception, an orchestrator's timeout, an error of
    `progress`) cancels the run, which gets `DRAIN_S` to settle, and goes on to the caller.
    `caller` calls the function that rows go to, where they go to one.

    Raises:
        ConfigError: The core does not take the run spec, such as a field the destination has not.
        TailraceError: The core itself broke.
    """
    from tailrace import _core

    try:
        if caller is None:
            handle = _core.RunHandle(json.dumps(spec), stream)
        else:
            handle = _core.RunHandle(json.dumps(spec), stream, calls=True)
    except ValueError as error:
        raise ConfigError(f"sync {spec['sync']}: {error}") from None
    handle.start()
    if caller is not None:
        caller.start(handle)
    try:
        while not handle.wait(WAIT_S):
            if progress is not None:
                progress(Progress.from_json(handle.progress()))
    except BaseException:
        handle.cancel()
        _drain(handle)
        raise
    if progress is not None:
        progress(Progress.from_json(handle.progress()))
    try:
        result: dict[str, Any] = json.loads(handle.result())
    except (RuntimeError, ValueError) as error:
        raise TailraceError(f"sync {spec['sync']}: the core broke: {error}") from error
    return result


def _drain(handle: _core.RunHandle) -> None:
    end = time.monotonic() + DRAIN_S
    while not handle.wait(0.1) and time.monotonic() < end:
        pass


def report_of(result: dict[str, Any]) -> RunReport | None:
    """The result's report; None where the run did not get that far."""
    found = result.get("report")
    return RunReport.from_json(found) if found else None


def part_of(result: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A part of the result, with the sync and the run that it is of."""
    report = result["report"]
    return {**(result.get(name) or {}), "sync": report["sync"], "run_id": report["run_id"]}


def outcome_of_one(result: Mapping[str, Any]) -> str | None:
    """How the only row of a run ended; None where it was not sent."""
    if result["status"] == "planned":
        return None
    counts = result["report"]["counts"]
    ends = ("accepted", "rejected", "skipped", "pending", "unknown", "not_attempted")
    return next((name for name in ends if counts[name]), None)


def raise_unless(result: dict[str, Any], status: str) -> None:
    """Raise the error of the result's exit class, its report with it, unless it ended as `status`.

    Raises:
        TailraceError: The class of the status; one that is not known is an error too.
    """
    found = result["status"]
    if found == status:
        return
    report = report_of(result)
    source = result.get("source_error")
    message = result.get("message") or f"the run ended as {found}"
    if source is not None and found in ("config", "unfinished"):
        raise SourceError(
            message,
            configuration=found == "config",
            code=source.get("code") or "",
            report=report,
        )
    raise error_of_status(found, message, report=report)
