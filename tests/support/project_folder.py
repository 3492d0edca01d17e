"""A project with one sync and one destination, as tests change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace import Project

if TYPE_CHECKING:
    from pathlib import Path


class ProjectFolder:
    """What a test declares of the project in `folder`; `write` brings it to the files."""

    folder: Path
    environment: dict[str, str]
    sync: dict[str, Any]
    connection: dict[str, Any]

    def write(self) -> None:
        """Write the project's files."""
        raise NotImplementedError

    def declare(self, **changes: Any) -> None:
        """Change members of the sync."""
        self.sync.update(changes)
        self.write()

    def connect(self, **changes: Any) -> None:
        """Change members of the destination's connection."""
        self.connection.update(changes)
        self.write()

    def project(self) -> Project:
        """The project as it is now."""
        return Project.load(self.folder, env=self.environment)
