"""Files are private and whole, and no link is followed."""

from __future__ import annotations

import stat
import threading
from typing import TYPE_CHECKING

import pytest

from tailrace import private_files

if TYPE_CHECKING:
    from pathlib import Path


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    import os

    before = os.umask(0)
    try:
        private_files.write(tmp_path / ".tailrace" / "a" / "b.json", b"x")
    finally:
        os.umask(before)
    for path in (tmp_path / ".tailrace", tmp_path / ".tailrace" / "a"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / ".tailrace" / "a" / "b.json").stat().st_mode) == 0o600


def test_a_link_is_replaced_and_never_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / ".tailrace"
    folder.mkdir()
    link = folder / "a.json"
    link.symlink_to(victim)
    assert private_files.read(link) is None
    private_files.write(link, b"new")
    assert victim.read_text() == "mine"
    assert private_files.read(link) == b"new"
    assert not link.is_symlink()


def test_a_linked_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".tailrace").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        private_files.write(tmp_path / ".tailrace" / "a.json", b"x")
    with pytest.raises(OSError, match="symbolic link"):
        private_files.write(tmp_path / ".tailrace" / "cache" / "a.json", b"x")


def test_a_reader_sees_the_old_bytes_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / ".tailrace" / "a.json"
    contents = [bytes([65 + number]) * 50_000 for number in range(2)]
    private_files.write(path, contents[0])

    def write() -> None:
        for number in range(100):
            private_files.write(path, contents[number % 2])

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        assert private_files.read(path) in contents
    writer.join()
    assert [one.name for one in path.parent.iterdir()] == ["a.json"]


def test_a_file_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert private_files.read(tmp_path / "a" / "b") is None
    (tmp_path / "file").write_text("")
    assert private_files.read(tmp_path / "file" / "b") is None
