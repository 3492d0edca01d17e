"""Fixtures of the tests that run whole syncs; a conftest imports those that it needs."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from destination_forms import BY_NAME, Form
from sync_world import SECRET, World

from tailrace import run_spec
from tailrace.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEMORY = Path("/dev/shm")


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Path]:
    """A folder for projects, in memory where there is such a file system: a disk that is busy with
    something else must not decide how long a run takes."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="tailrace-test-", dir=MEMORY) as folder:
        yield Path(folder)


@contextlib.contextmanager
def opened_sandboxes(ground: Path) -> Iterator[Callable[[Any], tuple[Path, Sandbox]]]:
    """Opens sandboxes of a configuration, each with a folder of its own for a project; all are
    closed in the end."""
    with contextlib.ExitStack() as opened:
        numbers = itertools.count(1)

        def open_one(options: Any) -> tuple[Path, Sandbox]:
            sandbox = opened.enter_context(Sandbox(options))
            folder = ground / f"world{next(numbers)}"
            folder.mkdir()
            return folder, sandbox

        yield open_one


@pytest.fixture
def make_world(ground: Path) -> Iterator[Callable[..., World]]:
    """A world of a form, or of the name of one; `changes` are of the sandbox's configuration."""
    with opened_sandboxes(ground) as open_one:

        def make(form: Form | str, **changes: Any) -> World:
            chosen = BY_NAME[form] if isinstance(form, str) else form
            folder, sandbox = open_one(chosen.sandbox(SECRET, **changes))
            return World(folder, chosen, sandbox)

        yield make


@pytest.fixture
def timing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets times of the run spec that a project has no key for, such as `deadline_s`."""

    def set_times(**seconds: float) -> None:
        monkeypatch.setattr(run_spec, "_TIMING", {**run_spec._TIMING, **seconds})

    return set_times
