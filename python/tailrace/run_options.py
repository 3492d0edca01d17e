"""What a run or a plan is told beside its sync: the arguments of `Project`'s methods."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from tailrace.errors import ConfigError
from tailrace.nearest import hint

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tailrace.report import Progress

GUARDS = ("empty", "encoding", "max_added", "max_changed", "max_null_jump", "max_removed")

# Between the columns of a key, as texts of keys have it everywhere.
KEY_SEPARATOR = "\x1f"

Path = str | os.PathLike[str]

# How the parts of a plan are named.
_PART = re.compile(r"\.(?P<index>[0-9]+)of(?P<of>[0-9]+)\.plan\Z")


class RunArguments(TypedDict, total=False):
    """Keyword arguments of runs and plans; each is described at `RunOptions`."""

    progress: Callable[[Progress], object] | None
    expect_state: Mapping[str, Any] | None
    allow_guard: Collection[str]
    full_refresh: bool
    caller: str
    labels: Mapping[str, str] | None
    only_keys: Collection[str | tuple[str, ...]] | None
    shard: tuple[int, int, str] | None
    plan_file: Path | None
    write_plan: Path | None
    plan_parts: tuple[Path, int] | None
    trace: Path | None
    trace_bodies: bool


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The same with its defaults.

    Args:
        progress: Called with a `Progress` about five times a second and at the end.
        expect_state: `store_id`, `epoch` and `last_seq` of the last report's state; another
            store, or an older state, is refused. Left out, what the project remembers.
        allow_guard: Guards that may be broken this once, of `GUARDS`.
        full_refresh: Send every row, changed or not.
        caller: Who runs it, for the user agent: `airflow`, `dagster`.
        labels: What the warehouse may show of the query besides the sync's name.
        only_keys: Pass over rows of other keys; nothing is removed then. A key of several columns
            is a tuple.
        shard: (index, of, round): send one of `of` parts, `index` from 0. All tasks of one round
            share its text; with "" counts of the last hour belong together.
        plan_file: Send exactly what this sealed plan holds (runs).
        write_plan: Where to write the sealed plan (plans).
        plan_parts: (folder, n): write n sealed parts of the plan (plans).
        trace: A file to which one line of JSON is added for each request that is sent; only its
            owner may read it.
        trace_bodies: Whether those lines hold what was sent and answered: rows of the model.

    Raises:
        ConfigError: A guard is not known, a shard is none, or two of the arguments contradict.
    """

    progress: Callable[[Progress], object] | None = None
    expect_state: Mapping[str, Any] | None = None
    allow_guard: Collection[str] = ()
    full_refresh: bool = False
    caller: str = ""
    labels: Mapping[str, str] | None = field(default=None)
    only_keys: Collection[str | tuple[str, ...]] | None = None
    shard: tuple[int, int, str] | None = None
    plan_file: Path | None = None
    write_plan: Path | None = None
    plan_parts: tuple[Path, int] | None = None
    trace: Path | None = None
    trace_bodies: bool = False

    def __post_init__(self) -> None:
        for name in self.allow_guard:
            if name not in GUARDS:
                message = f"there is no guard {name!r}{hint(name, GUARDS)}"
                raise ConfigError(message, key="allow_guard")
        if self.trace_bodies and self.trace is None:
            raise ConfigError("there is no trace that bodies could be in", key="trace_bodies")
        self._check_shard()
        self._check_plan()

    def _check_shard(self) -> None:
        if self.shard is not None:
            index, of, _ = self.shard
            if not 1 <= of <= MOST_SHARDS or not 0 <= index < of:
                message = f"shard {index}/{of}: i/n counts from 0/n to n-1/n, n up to {MOST_SHARDS}"
                raise ConfigError(message, key="shard")
        if self.plan_parts is not None and not 1 <= self.plan_parts[1] <= MOST_SHARDS:
            message = f"a plan has from 1 to {MOST_SHARDS} parts, not {self.plan_parts[1]}"
            raise ConfigError(message, key="plan_parts")

    def _check_plan(self) -> None:
        """A plan file says what is sent: nothing may say otherwise."""
        others = [
            name
            for name in ("full_refresh", "only_keys", "shard", "write_plan", "plan_parts")
            if getattr(self, name) not in (None, False)
        ]
        if self.plan_file is not None and others:
            raise ConfigError(
                f"{others[0]} has no place beside a plan file, which says what is sent",
                key=others[0],
            )
        if self.write_plan is not None and self.plan_parts is not None:
            raise ConfigError("a plan is written whole or in parts, not both", key="plan_parts")

    def of_run(self, task: str) -> dict[str, Any]:
        """The run spec's members that these options decide; paths are made absolute.

        Raises:
            ConfigError: A task was told what only another one does.
        """
        if task != "run" and self.plan_file is not None:
            raise ConfigError("a plan file is for runs", key="plan_file")
        if task != "run" and self.trace is not None:
            raise ConfigError("a trace is of a run's requests", key="trace")
        if task != "plan" and (self.write_plan or self.plan_parts):
            raise ConfigError("only a plan writes plan files", key="write_plan")
        return {
            "allow_guards": sorted(self.allow_guard),
            "full_refresh": self.full_refresh,
            "only_keys": None if self.only_keys is None else [*map(key_text, self.only_keys)],
            "shard": self._shard(),
            "plan": self._plan(),
            "trace": self._trace(),
        }

    @property
    def part(self) -> str:
        """Which shard's state the run works with, as `i/n`; empty for that of the whole sync."""
        if self.shard is not None:
            return f"{self.shard[0]}/{self.shard[1]}"
        named = _PART.search(os.fspath(self.plan_file)) if self.plan_file is not None else None
        return f"{named['index']}/{named['of']}" if named else ""

    def _shard(self) -> dict[str, Any] | None:
        if self.shard is None:
            return None
        index, of, together = self.shard
        return {"index": index, "of": of, "round": together}

    def _trace(self) -> dict[str, Any] | None:
        if self.trace is None:
            return None
        return {"path": absolute(self.trace), "bodies": self.trace_bodies}

    def _plan(self) -> dict[str, Any] | None:
        if self.plan_file is not None:
            return {"read": absolute(self.plan_file)}
        if self.write_plan is not None:
            return {"write": absolute(self.write_plan)}
        if self.plan_parts is not None:
            directory, parts = self.plan_parts
            return {"directory": absolute(directory), "of": parts}
        return None


MOST_SHARDS = 256


def key_text(key: str | tuple[str, ...]) -> str:
    """A key as the core and the state have it."""
    return key if isinstance(key, str) else KEY_SEPARATOR.join(key)


def absolute(path: Path) -> str:
    """From the process's own folder, not the project's: the user named it there."""
    return os.path.abspath(os.fspath(path))  # noqa: PTH100  (a warm run imports no pathlib for it)
