"""Files of the project's own folder `.tailrace`: private, whole or not there, no link followed."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ".tailrace"


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents below `.tailrace`, mode 0700.

    Raises:
        OSError: It cannot be made, or a symbolic link stands where a folder should be.
    """
    if folder.is_symlink():
        raise OSError(f"{folder} is a symbolic link")
    if folder.is_dir():
        return
    if folder.name != FOLDER and FOLDER in folder.parts:
        make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if folder.is_symlink():
        raise OSError(f"{folder} is a symbolic link")


def read(path: Path) -> bytes | None:
    """The file's bytes; None where there is no such file, or a link stands in its place.

    Raises:
        OSError: The file is there and cannot be read.
    """
    if path.parent.is_symlink() or path.is_symlink():
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def write(path: Path, content: bytes) -> None:
    """Replace the file in one step, mode 0600: a reader sees the old bytes or the new ones.

    Raises:
        OSError: The folder or the file cannot be written.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
