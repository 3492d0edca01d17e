"""The page about functions: every argument, attribute and exception is one that there is."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path

import pytest
import yaml

import tailrace
from tailrace import Batch, Outcome
from tailrace.connections.python import PythonConnection
from tailrace.spec.document import Document
from tailrace.spec.validation import validate

TEXT = (Path(__file__).parents[3] / "docs/destinations/python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
CODE = set(re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", TEXT, flags=re.M | re.S)))
WORDS = {word for one in CODE for word in re.findall(r"\w+", one)}


def test_the_function_of_the_page_is_a_destination() -> None:
    (code,) = (text for kind, text in BLOCKS if kind == "python")
    names: dict[str, object] = {"__name__": "page"}
    exec(compile(code, "page", "exec"), names)
    made = names["send"]
    assert made.operations == ("upsert", "delete")  # type: ignore[attr-defined]


def test_the_connection_of_the_page_is_one() -> None:
    (text,) = (text for kind, text in BLOCKS if kind == "yaml")
    (settings,) = yaml.safe_load(text)["connections"].values()
    problems: list[object] = []
    section = Document("page", settings).section()
    assert validate(PythonConnection, section, problems) is not None, problems  # type: ignore[arg-type]


def test_every_argument_attribute_and_outcome_is_told() -> None:
    arguments = set(inspect.signature(tailrace.destination).parameters) - {"function"}
    assert arguments <= WORDS
    assert {one.name for one in dataclasses.fields(Batch)} <= WORDS
    made = {name for name, one in vars(Outcome).items() if isinstance(one, classmethod)}
    assert made <= WORDS


@pytest.mark.parametrize("name", ["TryLater", "BatchRefused", "ConfigError"])
def test_every_exception_is_public(name: str) -> None:
    assert name in WORDS
    assert issubclass(getattr(tailrace, name), Exception)
