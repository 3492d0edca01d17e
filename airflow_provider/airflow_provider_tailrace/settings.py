"""What an operator's arguments and Airflow's configuration say together."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import conf

from tailrace.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from tailrace import Project

SECTION = "tailrace"
_LOCAL_EXECUTORS = {"LocalExecutor", "airflow.executors.local_executor.LocalExecutor"}


@dataclass(frozen=True)
class Executors:
    """The executors that may run the task."""

    names: frozenset[str]

    @classmethod
    def of(cls, own: str | None) -> Executors:
        """Those of `[core] executor`, and the task's own."""
        configured = conf.get("core", "executor", fallback="") or ""
        named = [part for entry in configured.split(";") for part in entry.split(",")]
        # An entry may be given to a team (`team=Executor`) or an alias (`alias:path.Executor`).
        listed = [part.rpartition("=")[2].rpartition(":")[2].strip() for part in named]
        return cls(frozenset(name for name in [*listed, own or ""] if name))

    @property
    def only_local(self) -> bool:
        """True where every task runs on the scheduler's machine."""
        return bool(self.names) and self.names <= _LOCAL_EXECUTORS


def project_dir(given: str | None) -> str:
    """The project's folder: the argument, `[tailrace] project_dir`, `TAILRACE_PROJECT`.

    Raises:
        ConfigError: None of them says where it is.
    """
    configured = conf.get(SECTION, "project_dir", fallback=None)
    found = given or configured or os.environ.get("TAILRACE_PROJECT")
    if not found:
        raise ConfigError(
            "no project is named: set project_dir, [tailrace] project_dir or TAILRACE_PROJECT"
        )
    return found


def target(given: str | None) -> str | None:
    """One of the project's targets; None for the project as it stands."""
    return given or conf.get(SECTION, "target", fallback=None) or None


def local_state_allowed(*, given: bool) -> bool:
    """The argument, or `[tailrace] allow_local_state`."""
    return given or conf.getboolean(SECTION, "allow_local_state", fallback=False)


def refuse_local_state(project: Project, executors: Executors) -> None:
    """Refuse a state that the next try, on another machine, would not see.

    Raises:
        ConfigError: The state is a file and tasks may run elsewhere.
    """
    if not project.state_is_local or executors.only_local:
        return
    named = ", ".join(sorted(executors.names)) or "none"
    raise ConfigError(
        f"the state of the project in {project.directory} is a SQLite file, and tasks may run on "
        f"other machines (executors: {named}), where a run would not see it and send every row "
        "again; keep the state in a database, or set allow_local_state=True where all workers "
        "are this machine"
    )


def flag(value: object, name: str) -> bool:
    """A boolean, also as the text that a template renders to.

    Raises:
        ConfigError: It is neither.
    """
    known = {True: True, False: False, "True": True, "true": True, "False": False, "false": False}
    if not isinstance(value, (bool, str)) or value not in known:
        raise ConfigError(f"{name} must be True or False, not {value!r}", key=name)
    return known[value]


def names(value: str | Collection[str]) -> tuple[str, ...]:
    """A list of names, also as one text with commas that a template renders to."""
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part.strip() for part in parts if part.strip())


def secrets_of(project: Project, sync: str | Mapping[str, Any]) -> list[str]:
    """Credentials to mask; none where the sync cannot be read, which its run then tells better."""
    try:
        return project.secrets(sync)
    except (ConfigError, SourceError):
        return []
