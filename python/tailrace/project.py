"""The one door to the engine, for the command line, Airflow, Dagster and everyone else."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace import private_files
from tailrace.compile.cache import Cache, Dependencies, read_compiled, write_compiled
from tailrace.connections.resolving import resolve
from tailrace.errors import Busy, ConfigError, Problem, StateLost, Unfinished
from tailrace.report import Plan, RunReport
from tailrace.run_spec import expected_state, query_comment, run_spec
from tailrace.running import drive, raise_unless, report_of
from tailrace.spec.inputs import Inputs, read_inputs
from tailrace.state_address import DEFAULT, resolve_state, set_aside, state_file
from tailrace.store_memory import KnownState, StoreMemory
from tailrace.warehouses import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from types import ModuleType

    from tailrace.compile.compiled import Compiled
    from tailrace.report import Progress
    from tailrace.spec.document import Document
    from tailrace.spec.loading import LoadedProject
    from tailrace.sync_data import SyncData


class Project:
    """A folder with `tailrace.yml`, read once; variables are looked up when they are used.

    Where a method takes a sync, it is a name of the project, or a mapping of the same keys as a
    sync file has.
    """

    def __init__(
        self,
        inputs: Inputs,
        *,
        target: str | None = None,
        environment: Mapping[str, str] | None = None,
        document: Document | None = None,
    ) -> None:
        self._inputs = inputs
        self._document = document
        self.target = target
        self._environment = os.environ if environment is None else environment
        self._cache = Cache(self.folder / "cache", inputs.digest(), target)

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
        project._listing()
        return project

    @property
    def directory(self) -> Path:
        """The project's folder, absolute."""
        return self._inputs.directory

    @property
    def folder(self) -> Path:
        """`.tailrace`: state, caches, and what is remembered between runs."""
        return self.directory / private_files.FOLDER

    @property
    def syncs(self) -> list[str]:
        """Names of all syncs, sorted."""
        return sorted(self._listing())

    def select(self, patterns: Collection[str]) -> list[str]:
        """Syncs by name, glob (`crm_*`) or `tag:x`, sorted; all of them for no pattern.

        Raises:
            ConfigError: A pattern fits no sync.
        """
        from fnmatch import fnmatchcase

        from tailrace.nearest import hint

        listing = self._listing()
        chosen: set[str] = set()
        for pattern in patterns:
            tag = pattern.removeprefix("tag:") if pattern.startswith("tag:") else None
            found = {
                name
                for name, tags in listing.items()
                if (tag in tags if tag is not None else fnmatchcase(name, pattern))
            }
            if not found:
                message = f"no sync fits {pattern!r}{hint(pattern, listing)}"
                raise ConfigError.of([Problem(message, self._inputs.project.shown, 1, 1, "syncs")])
            chosen |= found
        return sorted(chosen if patterns else listing)

    def sync_data(self, names: Collection[str] | None = None) -> list[SyncData]:
        """What the syncs `names` are, or all of them: read from files alone.

        Raises:
            ConfigError: One of them is wrong, or dbt's manifest is not there.
        """
        from tailrace.sync_data import read_sync_data

        return read_sync_data(self._load(), self.syncs if names is None else names)

    @property
    def state_is_local(self) -> bool:
        """True where the state is a file, which no other machine sees. Raises ConfigError."""
        return self._state_url().startswith("sqlite:///")

    def secrets(self, sync: str | Mapping[str, Any]) -> list[str]:
        """Every credential that a run of `sync` reads: for whoever masks them in logs.

        Raises:
            ConfigError, SourceError
        """
        compiled = self._compiled(sync)
        return list(dict.fromkeys(_revealed([compiled.warehouse, compiled.connection])))

    def check(self, name: str | None = None, *, offline: bool = False) -> list[Problem]:
        """Everything that is wrong with one sync, or with all syncs and connections.

        Asks the warehouse for the model's columns and, unless `offline`, the destination for the
        object's fields. Nothing is written at either.
        """
        from tailrace.checking import check_project

        return check_project(self, self._load(), name, offline=offline)

    def plan(
        self,
        sync: str | Mapping[str, Any],
        *,
        progress: Callable[[Progress], object] | None = None,
        expect_state: Mapping[str, Any] | None = None,
        allow_guard: Collection[str] = (),
        full_refresh: bool = False,
        caller: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> Plan:
        """Count what a run would send now. Arguments as for `run`.

        Broken guards are in the plan's `breaches`, and no error.

        Raises:
            TailraceError: The class of how it ended, where it ended in no plan.
        """
        result = self._work(
            "plan",
            sync,
            progress=progress,
            expect_state=expect_state,
            allow_guard=allow_guard,
            full_refresh=full_refresh,
            caller=caller,
            labels=labels,
        )
        plan = result.get("plan")
        if plan is None or result["status"] != "refused":
            raise_unless(result, "planned")
        report = result["report"]
        return Plan.from_json({**(plan or {}), "sync": report["sync"], "run_id": report["run_id"]})

    def run(
        self,
        sync: str | Mapping[str, Any],
        *,
        progress: Callable[[Progress], object] | None = None,
        expect_state: Mapping[str, Any] | None = None,
        allow_guard: Collection[str] = (),
        full_refresh: bool = False,
        caller: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> RunReport:
        """Send what has changed.

        Args:
            sync: A name, or a mapping.
            progress: Called with a `Progress` about five times a second and at the end.
            expect_state: `store_id`, `epoch` and `last_seq` of the last report's state; another
                store, or an older state, is refused. Left out, what this project remembers.
            allow_guard: Guards that may be broken this once, of `GUARDS`.
            full_refresh: Send every row, changed or not.
            caller: Who runs it, for the user agent: `airflow`, `dagster`.
            labels: What the warehouse may show of the query besides the sync's name.

        Raises:
            TailraceError: The class of how the run ended, with its `report`, unless it is done.
        """
        result = self._work(
            "run",
            sync,
            progress=progress,
            expect_state=expect_state,
            allow_guard=allow_guard,
            full_refresh=full_refresh,
            caller=caller,
            labels=labels,
        )
        raise_unless(result, "done")
        return RunReport.from_json(result["report"])

    def runs(self, name: str = "", limit: int = 20) -> list[dict[str, Any]]:
        """Runs in the state store, newest first, of one sync or of all.

        Raises:
            StateLost, Unfinished: The store is not there, or out of reach.
        """
        with _store_errors() as core:
            found: list[dict[str, Any]] = json.loads(
                core.store_runs(self._state_url(), name, limit)
            )
        return found

    def rejected(self, name: str) -> list[dict[str, Any]]:
        """Rows of a sync that its destination rejected last.

        Raises:
            ConfigError, StateLost, Unfinished
        """
        url, account, target_object = self._owner(name)
        with _store_errors() as core:
            found: list[dict[str, Any]] = json.loads(
                core.store_rejected(url, name, account, target_object)
            )
        return found

    def reset(self, name: str) -> Path | None:
        """Drop the sync's baseline and what is remembered of its store: the next run sends every
        row and deletes nothing.

        The way out of a lost store as well. One that is damaged, or newer than this version, is
        renamed; with it the other syncs in it lose their baseline, and end as `StateLost` until
        they are reset too.

        Returns:
            The new name of a damaged store, else None.

        Raises:
            ConfigError, Busy, Unfinished, StateLost (damaged, and it cannot be renamed)
        """
        url, account, target_object = self._owner(name)
        memory = self._memory(url, name, account, target_object)
        path, aside = state_file(url), None
        if path.exists():
            try:
                with _store_errors() as core:
                    core.store_reset(url, name, account, target_object)
            except StateLost as error:
                aside = _renamed(path, error)
        memory.forget()
        return aside

    # How a run is put together.

    def _load(self) -> LoadedProject:
        from tailrace.spec.loading import LoadedProject

        return LoadedProject(
            self._inputs, self._environment, self.target, self._cache.folder, self._document
        )

    def _listing(self) -> dict[str, list[str]]:
        """Names of syncs, each with its tags."""
        cached = self._cache.read("listing", self._environment)
        if isinstance(cached, dict):
            return cached
        loaded = self._load()
        listing = {name: _tags(section.value) for name, section in loaded.sections.items()}
        if self._document is None:
            depends = Dependencies.of(
                _present(loaded.manifest_path), (), loaded.used, self._environment
            )
            self._cache.write("listing", listing, depends)
        return listing

    def _compiled(self, sync: str | Mapping[str, Any]) -> Compiled:
        if isinstance(sync, str):
            found = read_compiled(self._cache, sync, self._environment)
            if found is not None:
                return found
        from tailrace.compile.compiler import compile_section, compile_sync
        from tailrace.spec.document import Document

        loaded = self._load()
        if not isinstance(sync, str):
            section = Document("inline sync", json.loads(json.dumps(dict(sync)))).section()
            return compile_section(loaded, *loaded.read_sync(section))
        compiled = compile_sync(loaded, sync)
        if self._document is None:
            write_compiled(
                self._cache,
                compiled,
                used=loaded.used,
                large=_present(loaded.manifest_path),
                small=loaded.read_files,
                environment=self._environment,
            )
        return compiled

    def _connection(self, compiled: Compiled) -> dict[str, Any]:
        try:
            return resolve(compiled.connection, self._environment)
        except ValueError as error:
            name = compiled.connection["name"]
            problem = Problem(str(error), self._inputs.project.shown, 1, 1, f"connections.{name}")
            raise ConfigError.of([problem]) from None

    def _url_of(self, compiled: Compiled) -> str:
        address = DEFAULT if compiled.state is None else compiled.state.reveal()
        return resolve_state(address, self.directory)

    def _state_url(self) -> str:
        state = self._load().state
        return resolve_state(DEFAULT if state is None else state.reveal(), self.directory)

    def _owner(self, name: str) -> tuple[str, str, str]:
        """State's address, account and object of a sync."""
        compiled = self._compiled(name)
        account = self._connection(compiled)["account"]
        return self._url_of(compiled), account, compiled.spec["object"]["name"]

    def _memory(self, url: str, sync: str, account: str, target_object: str) -> StoreMemory:
        return StoreMemory.at(self.folder, self.target, url, sync, account, target_object)

    def _work(
        self,
        task: str,
        sync: str | Mapping[str, Any],
        *,
        progress: Callable[[Progress], object] | None,
        expect_state: Mapping[str, Any] | None,
        allow_guard: Collection[str],
        full_refresh: bool,
        caller: str,
        labels: Mapping[str, str] | None,
    ) -> dict[str, Any]:
        compiled = self._compiled(sync)
        connection = self._connection(compiled)
        url = self._url_of(compiled)
        name = compiled.sync
        memory = self._memory(url, name, connection["account"], compiled.spec["object"]["name"])
        spec = run_spec(
            compiled,
            task=task,
            connection=connection,
            state={"url": url, "expect": expected_state(expect_state, memory)},
            allow_guard=allow_guard,
            full_refresh=full_refresh,
            caller=caller,
            directory=self._environment.get("TMPDIR") or "/tmp",  # noqa: S108
        )
        self._make_folder(url)
        with open_warehouse(compiled.warehouse) as warehouse:
            source = warehouse.source(compiled.select, query_comment(name, labels or {}))
            result = drive({**spec, "source": source.spec}, source.stream, progress)
        self._remember(result, memory)
        return result

    def _make_folder(self, url: str) -> None:
        """The default store lives in our folder, which only its owner may enter."""
        if not state_file(url).is_relative_to(self.folder):
            return
        try:
            private_files.make_folder(self.folder)
        except OSError as error:
            raise ConfigError(f"the folder {self.folder} cannot be made: {error}") from None

    def _remember(self, result: dict[str, Any], memory: StoreMemory) -> None:
        report = report_of(result)
        if report is None or result["status"] == "state_lost" or not report.state.store_id:
            return
        state = report.state
        try:
            memory.remember(KnownState(state.store_id, state.epoch, state.last_seq))
        except OSError as error:
            import logging

            logging.getLogger(__name__).warning(
                "cannot remember the state store, a lost one would go unnoticed: %s", error
            )


def _revealed(value: object) -> Iterator[str]:
    from tailrace.secret import Secret

    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, (dict, list, tuple)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _revealed(part)


def _renamed(store: Path, lost: StateLost) -> Path:
    try:
        return set_aside(store)
    except OSError as error:
        raise StateLost(f"{lost}; it cannot be renamed either: {error}") from None


def _tags(value: Mapping[str, Any]) -> list[str]:
    tags = value.get("tags", [])
    return [tags] if isinstance(tags, str) else [str(tag) for tag in tags or []]


def _present(path: Path | None) -> list[Path]:
    return [] if path is None else [path]


@contextmanager
def _store_errors() -> Iterator[ModuleType]:
    """The core, its errors about the state store as ours."""
    from tailrace import _core

    try:
        yield _core
    except _core.StateLostError as error:
        raise StateLost(str(error)) from None
    except _core.StoreUnavailableError as error:
        raise Unfinished(str(error)) from None
    except _core.FencedError as error:
        raise Busy(str(error)) from None
