"""One piece of the core's work: what it is handed, and what is remembered of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tailrace import private_files
from tailrace.errors import ConfigError
from tailrace.run_spec import expected_state, query_comment, run_spec
from tailrace.running import drive, report_of
from tailrace.state_address import state_file, without_login
from tailrace.store_memory import StoreMemory
from tailrace.warehouses import open_warehouse

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.compile.compiled import Compiled
    from tailrace.functions.calling import Caller
    from tailrace.project_files import Owner, ProjectFiles, SyncSpec
    from tailrace.run_options import RunOptions


class Work:
    """The core at work for the syncs of a project."""

    def __init__(self, files: ProjectFiles) -> None:
        self.files = files

    def memory(self, owner: Owner, part: str = "") -> StoreMemory:
        """What is remembered of the store that holds an owner's state, or one part of it."""
        names = [owner.sync, owner.account, owner.object]
        address = without_login(owner.url)
        return StoreMemory.at(
            self.files.folder, self.files.target, address, *names, *filter(None, [part])
        )

    def do(
        self,
        task: str,
        sync: SyncSpec,
        options: RunOptions,
        *,
        try_send: bool = False,
        fresh: bool = False,
    ) -> dict[str, Any]:
        """The core's result. `fresh`: whatever was known of the state store before.

        Raises:
            ConfigError, SourceError
        """
        compiled = self.files.compiled(sync)
        connection = self.files.connection(compiled)
        owner = self.files.owner(compiled, connection)
        caller = self._caller(compiled, connection)
        memory = self.memory(owner, options.part)
        remembered = [self.memory(one, options.part) for one in owner.all_names()]
        expect = None if fresh else expected_state(options.expect_state, *remembered)
        spec = run_spec(
            compiled,
            task=task,
            options=options,
            connection=connection,
            state={"url": owner.url, "expect": expect},
            directory=self.files.environment.get("TMPDIR") or "/tmp",  # noqa: S108
            keep_plan=str(self._kept_plan(compiled.sync)),
            try_send=try_send,
        )
        self.make_folder(owner.url)
        if options.plan_parts is not None:
            _make_parts_folder(options.plan_parts[0])
        with open_warehouse(compiled.warehouse) as warehouse:
            comment = query_comment(compiled.sync, options.labels or {})
            source = warehouse.source(compiled.select, comment)
            result = drive({**spec, "source": source.spec}, source.stream, options.progress, caller)
        memory.remember_report(report_of(result))
        return result

    def _caller(self, compiled: Compiled, connection: dict[str, Any]) -> Caller | None:
        """What calls the function that rows go to; its options are taken out of the connection.

        Raises:
            ConfigError: There is no such function.
        """
        named = connection.pop("function", None)
        if named is None:
            return None
        from tailrace.functions.calling import Caller
        from tailrace.functions.function import find

        options = connection.pop("options")
        secrets = [one.reveal() for one in compiled.connection["options"].values()]
        try:
            function = find(named, str(self.files.inputs.directory))
        except ValueError as error:
            raise ConfigError(str(error)) from error
        return Caller(
            function,
            match=compiled.spec["columns"][compiled.spec["match"]]["name"],
            options=options,
            secrets=secrets,
            at_once=connection["max_in_flight"] or 1,
        )

    def _kept_plan(self, sync: str) -> Path:
        """Where what a guard refuses is kept: the core makes the folder when there is something."""
        folder = self.files.folder / "plans"
        return folder / (self.files.target or "") / f"{sync}.plan"

    def make_folder(self, url: str) -> None:
        """The default store lives in our folder, which only its owner may enter.

        Raises:
            ConfigError: It cannot be made.
        """
        file = state_file(url)
        if file is None or not file.is_relative_to(self.files.folder):
            return
        try:
            private_files.make_folder(self.files.folder)
        except OSError as error:
            raise ConfigError(f"the folder {self.files.folder} cannot be made: {error}") from None


def _make_parts_folder(folder: str | os.PathLike[str]) -> None:
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
    except OSError as error:
        raise ConfigError(f"the folder {os.fspath(folder)} cannot be made: {error}") from None
