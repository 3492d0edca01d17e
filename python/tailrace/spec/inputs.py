"""The files that a project consists of, as bytes. Everything compiled is a function of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pathlib import Path

PROJECT_FILE = "tailrace.yml"
SYNC_FOLDER = "syncs"
PROFILE_FOLDER = "destinations"
_SUFFIXES = frozenset({".yml", ".yaml"})


@dataclass(frozen=True)
class InputFile:
    """`shown` is the path relative to the project, as messages have it."""

    shown: str
    content: bytes


@dataclass(frozen=True)
class Inputs:
    """The project's own files in one read."""

    directory: Path
    project: InputFile
    syncs: tuple[InputFile, ...]
    profiles: tuple[InputFile, ...] = ()

    def digest(self) -> str:
        """SHA-256 over names and contents."""
        sha = hashlib.sha256()
        for file in (self.project, *self.syncs, *self.profiles):
            for part in (file.shown.encode(), file.content):
                sha.update(len(part).to_bytes(8, "big"))
                sha.update(part)
        return sha.hexdigest()


def read_inputs(directory: Path) -> Inputs:
    """Read `tailrace.yml` and all of `syncs/` and `destinations/`.

    Raises:
        ConfigError: There is no project, or a file cannot be read or lies outside of it.
    """
    root = directory.resolve()
    project = _read(root, root / PROJECT_FILE)
    syncs, profiles = _files(root, SYNC_FOLDER), _files(root, PROFILE_FOLDER)
    return Inputs(root, project, tuple(syncs), tuple(profiles))


def _files(root: Path, name: str) -> list[InputFile]:
    folder = root / name
    if not folder.is_dir():
        return []
    paths = sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES)
    return [_read(root, path) for path in paths if not path.name.startswith(".")]


def _read(root: Path, path: Path) -> InputFile:
    shown = path.relative_to(root).as_posix()
    if not path.resolve().is_relative_to(root):
        raise ConfigError.of([Problem("is a link to a file outside of the project", shown, 1, 1)])
    try:
        return InputFile(shown, path.read_bytes())
    except FileNotFoundError:
        message = f"there is no such file in {root}; `tailrace init` makes one"
        raise ConfigError.of([Problem(message, shown, 1, 1)]) from None
    except OSError as error:
        raise ConfigError.of([Problem(f"cannot be read: {error.strerror}", shown, 1, 1)]) from None
