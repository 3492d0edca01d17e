"""The same questions to every destination: each test that takes `world` runs once a form.

The forms are those of `destination_forms`; a new destination adds a line there. The core, the
transport and the state store are the real ones, the other side is the sandbox on loopback.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support")]

from destination_forms import FORMS, Form  # noqa: E402
from sync_fixtures import ground, make_world, timing  # noqa: E402, F401

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test for every form, or for those that its marker `forms` picks."""
    if "form" not in metafunc.fixturenames:
        return
    markers = list(metafunc.definition.iter_markers("forms"))
    about_answers = metafunc.definition.get_closest_marker("answers") is not None
    about_new_records = metafunc.definition.get_closest_marker("appends") is not None
    forms = [
        form
        for form in FORMS
        if all(marker.args[0](form) for marker in markers)
        and (about_answers or not form.answers_alone)
        and (about_new_records or not form.appends)
    ]
    assert forms
    metafunc.parametrize("form", forms, ids=[form.name for form in forms])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "forms(picks): the forms of destinations that are asked")
    config.addinivalue_line("markers", "answers: what the tool answers is the question")
    config.addinivalue_line("markers", "appends: asked too where every row is a new record")


@pytest.fixture
def world(form: Form, make_world: Callable[..., World]) -> World:  # noqa: F811
    return make_world(form)
