"""How commands come to their project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from tailrace.project import Project


def load(directory: Path, target: str | None) -> Project:
    """The project in a folder. Raises ConfigError."""
    from tailrace.project import Project

    return Project.load(directory, target=target)


def chosen(project: Project, selectors: Collection[str]) -> list[str]:
    """The syncs that `--select` asks for, all where it is left out.

    Raises:
        ConfigError: A selector fits nothing, or the project has no syncs.
    """
    names = project.select(selectors)
    if not names:
        raise ConfigError("the project has no syncs yet: write one into syncs/")
    return names


def only(project: Project, selectors: Collection[str], what: str) -> str:
    """The one sync that `what` is about.

    Raises:
        ConfigError: --select fits none, or several.
    """
    names = chosen(project, selectors)
    if len(names) > 1:
        raise ConfigError(f"{what} is of one sync: name it with --select ({', '.join(names[:12])})")
    return names[0]


def remembers(project: Project) -> bool:
    """Whether a run of this project has seen a state store before: without one, a missing store
    is a beginning and no loss."""
    return any((project.folder / "stores").glob("*.json"))
