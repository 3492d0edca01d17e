"""The same questions to every destination: each test that takes `world` runs once a form.

The forms are those of `destination_forms`; a new destination adds a line there. The core, the
transport and the state store are the real ones, the other side is the sandbox on loopback.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support")]

from destination_forms import BY_NAME, FORMS, Form  # noqa: E402
from sync_world import SECRET, World  # noqa: E402

from tailrace import run_spec  # noqa: E402
from tailrace.sandbox import Sandbox  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test for every form, or for those that its marker `forms` picks."""
    if "form" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("forms")
    forms = FORMS if marker is None else [form for form in FORMS if marker.args[0](form)]
    assert forms
    metafunc.parametrize("form", forms, ids=[form.name for form in forms])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "forms(picks): the forms of destinations that are asked")


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """A world of a form; `changes` are of the sandbox's configuration."""
    opened: list[Sandbox] = []

    def make(form: Form | str, **changes: Any) -> World:
        chosen = BY_NAME[form] if isinstance(form, str) else form
        sandbox = Sandbox(chosen.sandbox(SECRET, **changes)).__enter__()
        opened.append(sandbox)
        folder = tmp_path / f"world{len(opened)}"
        folder.mkdir()
        return World(folder, chosen, sandbox)

    yield make
    for sandbox in opened:
        sandbox.__exit__(None, None, None)


@pytest.fixture
def world(form: Form, make_world: Callable[..., World]) -> World:
    return make_world(form)


@pytest.fixture
def timing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets times of the run spec that a project has no key for, such as `deadline_s`."""

    def set_times(**seconds: float) -> None:
        monkeypatch.setattr(run_spec, "_TIMING", {**run_spec._TIMING, **seconds})

    return set_times
