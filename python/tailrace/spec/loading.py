"""A project read, named and checked as far as that goes without a sync being chosen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tailrace.connections.base import Connection, Destination, OwnWarehouse, Wanted, Warehouse
from tailrace.connections.dbt import DbtConnection
from tailrace.connections.python import PythonConnection
from tailrace.connections.registry import NOT_OFFERED, TYPES
from tailrace.dbt.manifest import Manifest, load_manifest
from tailrace.dbt.meta_syncs import find_syncs
from tailrace.dbt.profiles import Profile
from tailrace.errors import ConfigError, Problem
from tailrace.nearest import hint
from tailrace.secret import Secret
from tailrace.spec.document import Document, Section, read_document
from tailrace.spec.profiles import ProfileReader, Profiles, connect
from tailrace.spec.project_file import DbtSettings, ProjectFile
from tailrace.spec.sync import Sync
from tailrace.spec.validation import expand_section, validate
from tailrace.state_address import resolve_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from tailrace.spec.inputs import Inputs
    from tailrace.spec.values import Strict

C = TypeVar("C", bound=Connection)


@dataclass
class LoadedProject:
    """Reads connections and syncs when they are asked for, so that a variable that only another
    sync needs may be missing. `used` counts the variables that were put in; `read_files` are files
    outside of `inputs` that were looked at, also in vain. `given` stands for `tailrace.yml` where
    there is none."""

    inputs: Inputs
    environment: Mapping[str, str]
    target: str | None
    cache_folder: Path
    given: Document | None = None
    used: Counter[str] = field(default_factory=Counter)
    read_files: list[Path] = field(default_factory=list)

    @cached_property
    def document(self) -> Document:
        """`tailrace.yml`. Raises ConfigError."""
        if self.given is not None:
            return self.given
        return read_document(self.inputs.project.content, self.inputs.project.shown)

    @cached_property
    def file(self) -> ProjectFile:
        """The project file with its variables not put in. Raises ConfigError."""
        problems: list[Problem] = []
        section = self.document.section()
        made = validate(ProjectFile, section, problems)
        if made is None:
            raise ConfigError.of(problems)
        if self.target is not None and self.target not in made.targets:
            raise section.error(
                f"has no target {self.target!r}{hint(self.target, made.targets)}", "targets"
            )
        return made

    def check_file(self) -> None:
        """Raises ConfigError where the project file itself is wrong."""
        _ = self.file

    def _effective(self, *path: str) -> Section | None:
        """The section of the chosen target where it has one, else the project's."""
        starts = [("targets", self.target), ()] if self.target is not None else [()]
        for start in starts:
            value: Any = self.document.root
            for part in (*start, *path):
                value = value.get(part) if isinstance(value, dict) else None
            if value is not None:
                return Section(self.document, (*start, *path), value)
        return None

    def _read(self, kind: type[Strict], section: Section) -> Any:
        problems: list[Problem] = []
        expanded = expand_section(section, self.environment, self.used, problems)
        made = validate(kind, expanded, problems)
        if made is None or problems:
            raise ConfigError.of(problems)
        return made

    @cached_property
    def state(self) -> Secret | None:
        """The state's address as it was written; None for the default. Raises ConfigError."""
        self.check_file()
        section = self._effective("state")
        if section is None:
            return None
        problems: list[Problem] = []
        value = expand_section(section, self.environment, self.used, problems).value
        if not problems:
            try:
                resolve_state(value, self.inputs.directory)
            except ValueError as error:
                problems.append(section.problem(str(error)))
        if problems:
            raise ConfigError.of(problems)
        return Secret(str(value), getattr(value, "template", None))

    @cached_property
    def dbt(self) -> DbtSettings | None:
        """dbt's settings. Raises ConfigError."""
        self.check_file()
        section = self._effective("dbt")
        if section is None:
            return None
        settings: DbtSettings = self._read(DbtSettings, section)
        names = {*self.document.root.get("connections", {}), *self._target_connections()}
        types = {self._raw_type(name) for name in names}
        if settings.target is not None and "dbt" not in types:
            raise section.error("is for connections of type dbt, and there is none", "target")
        return settings

    def _target_connections(self) -> Iterator[str]:
        section = self._effective("connections")
        if section is not None and isinstance(section.value, dict):
            yield from section.value

    def _raw_type(self, name: str) -> object:
        section = self._effective("connections", name)
        return section.value.get("type") if section and isinstance(section.value, dict) else None

    @property
    def manifest_path(self) -> Path | None:
        """Where dbt's manifest is said to be; None without dbt."""
        return self.inputs.directory / self.dbt.manifest if self.dbt else None

    @cached_property
    def manifest(self) -> Manifest | None:
        """The index of dbt's manifest; None without dbt. Raises ConfigError."""
        path = self.manifest_path
        if path is None or self.dbt is None:
            return None
        return load_manifest(path, self.dbt.manifest, self.cache_folder)

    @cached_property
    def sections(self) -> dict[str, Section]:
        """Every sync by name, not looked at any further.

        Raises:
            ConfigError: A file cannot be read, a name is missing or used twice; all are told.
        """
        problems: list[Problem] = []
        found: dict[str, Section] = {}
        for section in self._all_sections(problems):
            name = section.value.get("name") if isinstance(section.value, dict) else None
            if not isinstance(name, str):
                problem = section.problem("a sync must be a mapping with a name")
                key = f"{problem.key}.name" if problem.key else "name"
                problem = Problem(problem.message, problem.file, problem.line, problem.column, key)
                problems.append(problem)
            elif name in found:
                first = found[name].where("name")
                problems.append(
                    section.problem(f"the name {name!r} is already that of {first}", "name")
                )
            else:
                found[name] = section
        if problems:
            raise ConfigError.of(problems)
        return found

    def _all_sections(self, problems: list[Problem]) -> Iterator[Section]:
        for file in self.inputs.syncs:
            try:
                document = read_document(file.content, file.shown)
            except ConfigError as error:
                problems.extend(error.problems)
                continue
            root = document.section()
            if isinstance(root.value, list):
                yield from (root.child(index) for index in range(len(root.value)))
            else:
                yield root
        if not self._manifest_is_missing() and self.manifest is not None:
            yield from find_syncs(self.manifest, problems)

    def _manifest_is_missing(self) -> bool:
        """True before dbt has run: syncs that live in files are known all the same."""
        path = self.manifest_path
        return path is not None and not path.exists()

    def sync(self, name: str) -> tuple[Sync, Section]:
        """A sync's model and its section with variables put in.

        Raises:
            ConfigError: There is none of that name, or it is wrong.
        """
        section = self.sections.get(name)
        if section is None:
            message = f"there is no sync {name!r}{hint(name, self.sections)}"
            if self.dbt is not None and self._manifest_is_missing():
                message += f" (dbt has not written {self.dbt.manifest} yet)"
            raise ConfigError.of([Problem(message, self.inputs.project.shown, 1, 1, "syncs")])
        sync, expanded = self.read_sync(section)
        problems = [*self._of_other_syncs(sync, expanded)]
        if problems:
            raise ConfigError.of(problems)
        return sync, expanded

    def _of_other_syncs(self, sync: Sync, section: Section) -> Iterator[Problem]:
        """What is wrong with the names of other syncs in it."""
        for name in sync.after:
            if name not in self.sections:
                others = self.sections.keys() - {sync.name}
                yield section.problem(f"there is no sync {name!r}{hint(name, others)}", "after")
        for name in sync.was:
            if name in self.sections:
                where = self.sections[name].where("name")
                message = f"{name!r} still is a sync, at {where}: its state stays its own"
                yield section.problem(message, "was")

    def read_sync(self, section: Section) -> tuple[Sync, Section]:
        """The same for a section that stands in no file of the project."""
        problems: list[Problem] = []
        expanded = expand_section(section, self.environment, self.used, problems)
        made = validate(Sync, expanded, problems)
        if made is None or problems:
            raise ConfigError.of(problems)
        return made, expanded

    def warehouse(self, sync: Sync, section: Section) -> dict[str, Any]:
        """`kind` and settings of the sync's source. Raises ConfigError."""
        found = self._connection(sync.source, Warehouse, section, "source")
        if isinstance(found, OwnWarehouse):
            return found.source(str(self.inputs.directory))
        assert isinstance(found, DbtConnection)  # noqa: S101  (there is no third kind)
        return self._dbt_source(found)

    def _dbt_source(self, connection: DbtConnection) -> dict[str, Any]:
        directory = self.inputs.directory
        profile = Profile(self.environment)
        folder = connection.profiles_dir
        profiles = None if folder is None else directory / folder
        try:
            return profile.source(
                directory / connection.project_dir,
                profiles_dir=profiles,
                profile=connection.profile,
                target=connection.target or (self.dbt.target if self.dbt else None),
            )
        finally:
            self.read_files.extend(profile.files)
            self.used.update(profile.used)

    def destination(self, sync: Sync, section: Section) -> Destination:
        """The sync's destination, which can do what the sync asks. Raises ConfigError."""
        found = self._connection(sync.destination, Destination, section, "destination")
        wanted = Wanted(
            object=sync.object,
            mode=sync.mode,
            on_removed=sync.effective_on_removed,
            insert_safety=sync.insert_safety,
            changed_fields=sync.send == "changed_fields",
            create_fields=sync.create_fields,
            match=sync.match,
            associate=sync.associate,
            fields=frozenset(sync.fields),
        )
        refused = list(found.refusals(wanted))
        if refused:
            raise ConfigError.of(section.problem(message, *path) for path, message in refused)
        return found

    def _connection(self, name: str, role: type[C], section: Section, key: str) -> C:
        own = self._effective("connections", name)
        if own is None:
            names = {*self.file.connections, *self._target_connections()}
            raise section.error(f"there is no connection {name!r}{hint(name, names)}", key)
        found = self.connection_at(own)
        if not isinstance(found, role):
            offered = "destination" if role is Destination else "source"
            raise section.error(
                f"the connection {name!r} is of type {found.type}, which is not offered as "
                f"{offered} by this version",
                key,
            )
        return found

    def connection_at(self, section: Section) -> Connection:
        """The model of the connection at `section`. Raises ConfigError."""
        if not isinstance(section.value, dict):
            raise section.error("must be a mapping")
        kind = section.value.get("type")
        if not isinstance(kind, str):
            problem = section.problem("is missing")
            raise ConfigError.of(
                [
                    Problem(
                        "is missing",
                        problem.file,
                        problem.line,
                        problem.column,
                        f"{problem.key}.type",
                    )
                ]
            )
        if kind in NOT_OFFERED:
            raise section.error(f"{kind} is not offered by this version", "type")
        profile = self._profile_of(kind, section)
        if profile is not None:
            problems: list[Problem] = []
            expanded = expand_section(section, self.environment, self.used, problems)
            if problems:
                raise ConfigError.of(problems)
            return connect(profile, expanded)
        if kind not in TYPES:
            known = [*TYPES, *self.profiles.names()]
            raise section.error(f"there is no type {kind!r}{hint(kind, known)}", "type")
        made: Connection = self._read(TYPES[kind], section)
        if isinstance(made, PythonConnection):
            try:
                files = made.locate(str(self.inputs.directory))
            except ValueError as error:
                raise section.error(str(error), "function") from None
            self.read_files.extend(map(Path, files))
        return made

    @cached_property
    def profiles(self) -> Profiles:
        """The project's profiles and those that come with Tailrace."""
        return Profiles(self.inputs)

    def _profile_of(self, kind: str, section: Section) -> ProfileReader | None:
        """The profile that a connection names, by `profile` or as its type; None where it names
        none. Raises ConfigError."""
        named = section.value.get("profile") if kind == "rest" else None
        if named is None and kind in TYPES:
            return None
        name = self.profiles.find(str(kind if named is None else named))
        if name is None:
            if named is None:
                return None
            near = hint(str(named), self.profiles.names())
            raise section.error(f"there is no profile {named!r}{near}", "profile")
        packaged = self.profiles.file_of(name)
        if packaged is not None:
            self.read_files.append(packaged)
        return ProfileReader(name, self.profiles.document(name))

    def connection_sections(self) -> Iterator[Section]:
        """All connections of the chosen target, for a check of the whole project."""
        for name in sorted({*self.file.connections, *self._target_connections()}):
            section = self._effective("connections", name)
            if section is not None:
                yield section
