"""The pages about REST and its profiles: every key is one that there is, and every one is told."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tailrace.connections.profile import Parameter, ProfileFile
from tailrace.connections.registry import TYPES
from tailrace.connections.rest import RestConnection
from tailrace.connections.rest_endpoint import RestResults
from tailrace.connections.rest_knowing import RestDescribe, RestOwner
from tailrace.connections.rest_object import RestObject
from tailrace.connections.rest_reading import RestFind, RestList, RestRead
from tailrace.errors import ConfigError
from tailrace.spec.document import read_document
from tailrace.spec.profiles import ProfileReader, connect, packaged
from tailrace.spec.sync import Sync
from tailrace.spec.validation import expand_section, validate

PAGES = Path(__file__).parents[3] / "docs/destinations"
NAMES = ("rest", *packaged())
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
ENVIRONMENT = dict.fromkeys(
    (
        *("CRM_TOKEN", "LOYALTY_KEY", "BRAZE_KEY", "CIO_SITE", "CIO_KEY", "ITERABLE_KEY"),
        *("INTERCOM_TOKEN", "SLACK_TOKEN"),
    ),
    "t",
)
SYNC: dict[str, Any] = {
    "name": "s",
    "source": "warehouse",
    "model": {"table": "t"},
    "key": "k",
    "destination": "d",
    "object": "o",
}
LOYALTY = "destinations/loyalty.yml"


def text_of(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def words_of(name: str) -> set[str]:
    """Every word in code of a page's own text."""
    told = re.findall(r"`([^`]+)`", FENCED.sub("", text_of(name)))
    return {word for one in told for word in re.findall(r"[A-Za-z_]+", one)}


def blocks(name: str) -> list[str]:
    return BLOCK.findall(text_of(name))


def profile_of(kind: str) -> ProfileReader:
    if kind == "loyalty":
        (own,) = (one for one in blocks("rest") if LOYALTY in one)
        return ProfileReader(kind, read_document(own.encode(), LOYALTY))
    path = packaged()[kind]
    return ProfileReader(kind, read_document(path.read_bytes(), path.name))


@pytest.mark.parametrize("name", NAMES)
def test_every_connection_and_sync_of_a_page_is_taken(name: str) -> None:
    found = 0
    for block in blocks(name):
        given = yaml.safe_load(block)
        problems: list[Any] = []
        if "objects" in given:
            continue
        if "connections" not in given:
            section = read_document(block.encode(), name).section()
            whole = type(section)(section.document, (), {**SYNC, **section.value})
            assert validate(Sync, whole, problems) is not None, problems
            continue
        for connection in given["connections"]:
            section = read_document(block.encode(), name).section("connections", connection)
            section = expand_section(section, ENVIRONMENT, Counter(), problems)
            kind = section.value["type"]
            if kind in TYPES:
                assert validate(TYPES[kind], section, problems) is not None, problems
            else:
                connect(profile_of(kind), section)
            found += 1
    assert found


def test_the_profile_of_the_page_is_one() -> None:
    profile = profile_of("loyalty")
    values = {name: one.stand_in() for name, one in profile.parameters.items()}
    assert list(profile.filled(values).objects) == ["members"]
    made = {"type": "loyalty", "token": "t", "list": "1", "batch_rows": 501}
    section = read_document(yaml.dump(made).encode(), "p").section()
    with pytest.raises(ConfigError, match="500"):
        connect(profile, section)


@pytest.mark.parametrize(
    "kind",
    [
        *(RestObject, RestResults, RestFind, RestRead, RestList, RestDescribe, RestOwner),
        *(ProfileFile, Parameter),
    ],
)
def test_every_key_of_a_declaration_is_told(kind: Any) -> None:
    known = {field.alias or name for name, field in kind.model_fields.items()}
    assert known <= words_of("rest")


def test_every_key_of_a_connection_is_told() -> None:
    own = RestConnection.model_fields.keys() - {"type"}
    elsewhere = {"account", "timeout", "idle_timeout", "ca_file", "proxy", "allow_private"}
    assert own - elsewhere <= words_of("rest")


def keys_told(heading: str) -> list[str]:
    part = text_of("rest").split(heading, 1)[1].split("\n#", 1)[0]
    rows = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", part, re.MULTILINE)
    return [key for row in rows for key in re.findall(r"`([a-z_]+)`", row)]


@pytest.mark.parametrize(
    ("heading", "kind"), [("## Objects", RestObject), ("### Results", RestResults)]
)
def test_every_key_of_a_table_is_one_that_there_is(heading: str, kind: Any) -> None:
    known = {field.alias or name for name, field in kind.model_fields.items()}
    told = keys_told(heading)
    assert len(told) > 10
    assert set(told) <= known


@pytest.mark.parametrize("name", packaged())
def test_every_parameter_of_a_profile_is_on_its_page(name: str) -> None:
    told = words_of(name)
    profile = profile_of(name)
    assert profile.parameters.keys() <= told
    values = {one: parameter.stand_in() for one, parameter in profile.parameters.items()}
    objects = profile.filled(values).objects
    assert objects.keys() <= told
    for one in objects.values():
        assert set(one.match or ()) <= told
