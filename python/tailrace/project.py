"""The one door to the engine, for the command line, Airflow, Dagster and everyone else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace import store_access
from tailrace.errors import ConfigError, Problem
from tailrace.project_files import ProjectFiles
from tailrace.report import Plan, RunReport, Trial, Verification
from tailrace.resetting import reset
from tailrace.run_options import RunOptions, key_text
from tailrace.running import outcome_of_one, part_of, raise_unless
from tailrace.secret import revealed_in
from tailrace.spec.inputs import Inputs, read_inputs
from tailrace.state_address import state_file, without_login
from tailrace.work import Work

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from typing_extensions import Unpack

    from tailrace.looking import Look
    from tailrace.project_files import SyncSpec
    from tailrace.run_options import RunArguments
    from tailrace.spec.document import Document
    from tailrace.sync_data import SyncData


class Project:
    """A folder with `tailrace.yml`, read once; variables are looked up when they are used.

    Where a method takes a sync, it is a name of the project, or a mapping of the same keys as a
    sync file has. A key is its text, or a tuple of texts where it has several columns.
    """

    def __init__(
        self,
        inputs: Inputs,
        *,
        target: str | None = None,
        environment: Mapping[str, str] | None = None,
        document: Document | None = None,
    ) -> None:
        self._files = ProjectFiles(
            inputs,
            target=target,
            environment=os.environ if environment is None else environment,
            document=document,
        )
        self._work = Work(self._files)

    @classmethod
    def load(
        cls,
        directory: str | os.PathLike[str] = ".",
        *,
        target: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Project:
        """Read the project in `directory`; `env` stands for the process's environment.

        Raises:
            ConfigError: There is none, a file cannot be read, or names are not unique.
        """
        project = cls(read_inputs(Path(directory)), target=target, environment=env)
        project._files.listing()
        return project

    @property
    def target(self) -> str | None:
        """The project's target that was chosen."""
        return self._files.target

    @property
    def directory(self) -> Path:
        """The project's folder, absolute."""
        return self._files.inputs.directory

    @property
    def folder(self) -> Path:
        """`.tailrace`: state, caches, and what is remembered between runs."""
        return self._files.folder

    @property
    def syncs(self) -> list[str]:
        """Names of all syncs, sorted."""
        return sorted(self._files.listing())

    def select(self, patterns: Collection[str]) -> list[str]:
        """Syncs by name, glob (`crm_*`) or `tag:x`, sorted; all of them for no pattern.

        Raises:
            ConfigError: A pattern fits no sync.
        """
        from fnmatch import fnmatchcase

        from tailrace.nearest import hint

        listing = self._files.listing()
        chosen: set[str] = set()
        for pattern in patterns:
            tag = pattern.removeprefix("tag:") if pattern.startswith("tag:") else None
            found = {
                name
                for name, one in listing.items()
                if (tag in one.tags if tag is not None else fnmatchcase(name, pattern))
            }
            if not found:
                message = f"no sync fits {pattern!r}{hint(pattern, listing)}"
                shown = self._files.inputs.project.shown
                raise ConfigError.of([Problem(message, shown, 1, 1, "syncs")])
            chosen |= found
        return sorted(chosen if patterns else listing)

    def parents_first(self, names: Collection[str]) -> dict[str, tuple[str, ...]]:
        """`names` in the order of their `after`, each with those of them that go before it.

        Raises:
            ConfigError: Syncs come after one another in a circle.
        """
        return self._files.parents_first(names)

    def sync_data(self, names: Collection[str] | None = None) -> list[SyncData]:
        """What the syncs `names` are, or all of them: read from files alone.

        Raises:
            ConfigError: One of them is wrong, or dbt's manifest is not there.
        """
        from tailrace.sync_data import read_sync_data

        return read_sync_data(self._files.load(), self.syncs if names is None else names)

    @property
    def state_is_local(self) -> bool:
        """True where the state is a file, which no other machine sees. Raises ConfigError."""
        return state_file(self._files.state_url()) is not None

    def secrets(self, sync: SyncSpec) -> list[str]:
        """Every credential that a run of `sync` reads: for whoever masks them in logs.

        Raises:
            ConfigError, SourceError
        """
        compiled = self._files.compiled(sync)
        held = [compiled.warehouse, compiled.connection]
        if compiled.state is not None and state_file(self._files.state_url()) is None:
            held.append({"state": compiled.state})
        return list(dict.fromkeys(revealed_in(held)))

    def check(
        self,
        name: str | None = None,
        *,
        offline: bool = False,
        remarks: list[str] | None = None,
    ) -> list[Problem]:
        """Everything that is wrong with one sync, or with all syncs and connections.

        Asks the warehouse for the model's columns and, unless `offline`, the destination for the
        object's fields. Nothing is written at either; where the fields are others than at the last
        time, rows that were rejected for good are tried again by the next run. What is no problem
        and yet worth knowing, such as the fields that a run would make, is added to `remarks`.
        """
        from tailrace.checking import check_project

        told = [] if remarks is None else remarks
        return check_project(self._files, name, offline=offline, remarks=told)

    def look(self, sync: SyncSpec) -> Look:
        """A first look at a real account, which only reads: whose it is, how many fields the
        object has, and the model's first three rows beside their records.

        Raises:
            ConfigError, SourceError
        """
        from tailrace.looking import look

        return look(self._files, sync)

    def plan(self, sync: SyncSpec, **arguments: Unpack[RunArguments]) -> Plan:
        """Count what a run would send now; the arguments are those of `RunOptions`.

        Broken guards are in the plan's `breaches`, and no error.

        Raises:
            TailraceError: The class of how it ended, where it ended in no plan.
        """
        result = self._work.do("plan", sync, RunOptions(**arguments))
        if result.get("plan") is None or result["status"] != "refused":
            raise_unless(result, "planned")
        return Plan.from_json(part_of(result, "plan"))

    def run(self, sync: SyncSpec, **arguments: Unpack[RunArguments]) -> RunReport:
        """Send what has changed; the arguments are those of `RunOptions`.

        Raises:
            TailraceError: The class of how the run ended, with its `report`, unless it is done.
        """
        result = self._work.do("run", sync, RunOptions(**arguments))
        raise_unless(result, "done")
        return RunReport.from_json(result["report"])

    def verify(
        self, sync: SyncSpec, *, repair: bool = False, **arguments: Unpack[RunArguments]
    ) -> Verification:
        """Compare the destination's records, field by field, with the rows that it acknowledged.

        Args:
            repair: Send the rows again whose records are missing or different, and no others.

        Raises:
            ConfigError: Rows of mode insert or append are to be repaired: they are sent once.
            TailraceError: The class of how reading, or the repairing run, ended.
        """
        result = self._work.do("verify", sync, RunOptions(**arguments))
        raise_unless(result, "done")
        found = Verification.from_json(part_of(result, "verify"))
        if repair and found.keys_to_repair:
            again: RunArguments = {
                **arguments,
                "full_refresh": True,
                "only_keys": found.keys_to_repair,
            }
            self.run(sync, **again)
        return found

    def try_row(self, sync: SyncSpec, key: str | tuple[str, ...], *, send: bool = False) -> Trial:
        """The exact requests for one row, and with `send` what the destination answers to them.

        Raises:
            ConfigError: The model has no row of that key.
            TailraceError: The class of how it ended.
        """
        options = RunOptions(only_keys=(key,))
        result = self._work.do("try", sync, options, try_send=send)
        if result["status"] not in ("planned", "rejected"):
            raise_unless(result, "done")
        return Trial.from_json({**part_of(result, "try"), "outcome": outcome_of_one(result)})

    def adopt(self, sync: SyncSpec, **arguments: Unpack[RunArguments]) -> RunReport:
        """Take the model as delivered: a new baseline, and nothing is sent.

        Raises:
            TailraceError: The class of how it ended, unless it is done.
        """
        result = self._work.do("adopt", sync, RunOptions(**arguments))
        raise_unless(result, "done")
        return RunReport.from_json(result["report"])

    def runs(self, name: str = "", limit: int = 20) -> list[dict[str, Any]]:
        """Runs in the state store, newest first, of one sync or of all.

        Raises:
            StateLost, Unfinished: The store is not there, or out of reach.
        """
        return store_access.runs(self._files.state_url(), name, limit)

    def rejected(self, name: str) -> list[dict[str, Any]]:
        """Rows of a sync that its destination rejected last.

        Raises:
            ConfigError, StateLost, Unfinished
        """
        return store_access.rejected(self._files.owner_of(name))

    def retry(self, name: str, key: str | tuple[str, ...] | None = None) -> int:
        """Let the next run try rejected rows again: the one of `key`, which may be parked, or all
        that are not parked.

        Returns:
            How many rows were released.

        Raises:
            ConfigError: No row of that key is rejected.
            Busy, StateLost, Unfinished
        """
        released = store_access.retry(
            self._files.owner_of(name), None if key is None else key_text(key)
        )
        if key is not None and released == 0:
            raise ConfigError(f"sync {name}: no rejected row has the key {key_text(key)!r}")
        return released

    def deliver(self, name: str, key: str | tuple[str, ...]) -> None:
        """Record that a parked row has arrived at the destination, as somebody saw there.

        Raises:
            ConfigError: No row of that key is parked.
            Busy, StateLost, Unfinished
        """
        if not store_access.deliver(self._files.owner_of(name), key_text(key)):
            raise ConfigError(f"sync {name}: no parked row has the key {key_text(key)!r}")

    def log(self, name: str, key: str | tuple[str, ...], limit: int = 100) -> list[dict[str, Any]]:
        """What was done to the row of a key, newest first; kept where a sync has `row_log: true`.

        `name` may be empty: every sync.

        Raises:
            StateLost, Unfinished
        """
        return store_access.log(self._files.state_url(), name, key_text(key), limit)

    def reset(self, name: str, *, adopt: bool = False) -> Path | None:
        """Drop the sync's baseline and what is remembered of its store: the next run sends every
        row and deletes nothing.

        The way out of a lost store as well. One that is damaged, or newer than this version, is
        renamed; with it the other syncs in it lose their baseline, and end as `StateLost` until
        they are reset too.

        Args:
            adopt: Take the model as delivered at once, so that the next run sends what changes
                from now on.

        Returns:
            The new name of a damaged store, else None.

        Raises:
            ConfigError: The sync makes records, and would make every one of them again.
            Busy, Unfinished, StateLost (damaged, and it cannot be renamed)
        """
        return reset(self._work, name, adopt=adopt)

    def copy_state(self, to_url: str) -> None:
        """Copy all of the project's state into another store, which has to be empty and takes over
        the old one's id. Change `state` in tailrace.yml afterwards.

        Raises:
            ConfigError: The address is none, or the other store is not empty.
            Busy, StateLost, Unfinished
        """
        try:
            target = self._files.resolved_state(to_url)
        except ValueError as error:
            raise ConfigError(f"the new address: {error}") from None
        source = self._files.state_url()
        if without_login(source) == without_login(target):
            raise ConfigError("the new address is that of the state as it is")
        self._work.make_folder(target)
        store_access.copy(source, target)
