"""A project's files and what is made of them: names, compiled syncs, connections, addresses."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tailrace import private_files
from tailrace.compile.cache import Cache, Dependencies, read_compiled, write_compiled
from tailrace.connections.resolving import resolve
from tailrace.errors import ConfigError, Problem
from tailrace.ordering import CircleError, names_of, parents_first
from tailrace.state_address import DEFAULT, resolve_state

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from tailrace.compile.compiled import Compiled
    from tailrace.spec.document import Document
    from tailrace.spec.inputs import Inputs
    from tailrace.spec.loading import LoadedProject

    SyncSpec = str | Mapping[str, Any]


@dataclass(frozen=True)
class Owner:
    """Whose state it is, and where: `url` may hold a password. State that an earlier version kept
    under one of `accounts_before` is the account's too, until a run has carried it over."""

    url: str
    sync: str
    account: str
    object: str
    accounts_before: tuple[str, ...] = ()

    def former(self) -> list[Owner]:
        """The same owner under the names of its account before."""
        return [replace(self, account=name, accounts_before=()) for name in self.accounts_before]

    def all_names(self) -> list[Owner]:
        """Every name under which its state may be kept, the present one first."""
        return [self, *self.former()]


@dataclass(frozen=True)
class Listed:
    """A sync as far as its name is needed: what it may be selected by, and what comes before."""

    tags: list[str]
    after: list[str]


class ProjectFiles:
    """Read once; variables are looked up when they are used. What is slow to make is kept below
    `.tailrace/cache` until anything that it came from changes."""

    def __init__(
        self,
        inputs: Inputs,
        *,
        target: str | None,
        environment: Mapping[str, str],
        document: Document | None = None,
    ) -> None:
        self.inputs = inputs
        self.target = target
        self.environment = environment
        self.folder = inputs.directory / private_files.FOLDER
        self._document = document
        self._cache = Cache(self.folder / "cache", inputs.digest(), target)

    def load(self) -> LoadedProject:
        """The project for whoever reads more of it than a warm run does."""
        from tailrace.spec.loading import LoadedProject

        return LoadedProject(
            self.inputs, self.environment, self.target, self._cache.folder, self._document
        )

    def listing(self) -> dict[str, Listed]:
        """Every sync by name. Raises ConfigError."""
        cached = self._cache.read("listing", self.environment)
        if isinstance(cached, dict):
            return {name: Listed(**one) for name, one in cached.items()}
        loaded = self.load()
        listing = {
            name: Listed(names_of(section.value, "tags"), names_of(section.value, "after"))
            for name, section in loaded.sections.items()
        }
        if self._document is None:
            depends = Dependencies.of(
                _present(loaded.manifest_path), (), loaded.used, self.environment
            )
            plain = {name: {"tags": one.tags, "after": one.after} for name, one in listing.items()}
            self._cache.write("listing", plain, depends)
        return listing

    def parents_first(self, names: Collection[str]) -> dict[str, tuple[str, ...]]:
        """`names` in the order of their `after`, each with those of them that go before it.

        Raises:
            ConfigError: Syncs come after one another in a circle.
        """
        after = {name: one.after for name, one in self.listing().items()}
        try:
            return parents_first(names, after)
        except CircleError as error:
            section = self.load().sections[error.names[0]]
            message = f"syncs come after one another in a circle: {error}"
            raise section.error(message, "after") from None

    def compiled(self, sync: SyncSpec) -> Compiled:
        """A sync of the project, or one that is given as a mapping.

        Raises:
            ConfigError, SourceError
        """
        if isinstance(sync, str):
            found = read_compiled(self._cache, sync, self.environment)
            if found is not None:
                return found
        from tailrace.compile.compiler import compile_section, compile_sync
        from tailrace.spec.document import Document

        loaded = self.load()
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
                environment=self.environment,
            )
        return compiled

    def connection(self, compiled: Compiled) -> dict[str, Any]:
        """The run spec's connection, with its secrets. Raises ConfigError."""
        try:
            return resolve(compiled.connection, self.environment, str(self.inputs.directory))
        except ValueError as error:
            name = compiled.connection["name"]
            problem = Problem(str(error), self.inputs.project.shown, 1, 1, f"connections.{name}")
            raise ConfigError.of([problem]) from None

    def state_url(self) -> str:
        """The state's address, which may hold a password. Raises ConfigError."""
        state = self.load().state
        return self.resolved_state(DEFAULT if state is None else state.reveal())

    def resolved_state(self, address: str) -> str:
        """`address` as the core takes it. Raises ValueError."""
        return resolve_state(address, self.inputs.directory)

    def owner(self, compiled: Compiled, connection: Mapping[str, Any]) -> Owner:
        """Whose state a compiled sync works with, over a connection of the run spec."""
        address = DEFAULT if compiled.state is None else compiled.state.reveal()
        return Owner(
            self.resolved_state(address),
            compiled.sync,
            connection["account"],
            compiled.spec["object"]["name"],
            tuple(connection["account_was"]),
        )

    def owner_of(self, name: str) -> Owner:
        """The same by name. Raises ConfigError, SourceError."""
        compiled = self.compiled(name)
        return self.owner(compiled, self.connection(compiled))


def _present(path: Path | None) -> list[Path]:
    return [] if path is None else [path]
