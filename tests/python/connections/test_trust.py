"""Certificates: the setting, two variables, the system's file, certifi's; in this order."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING

import pytest

from tailrace.connections import trust
from tailrace.connections.trust import find_ca_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    made = {}
    for name in ("setting", "ssl", "requests", "system"):
        path = tmp_path / f"{name}.pem"
        path.write_text("x")
        made[name] = str(path)
    return made


def test_the_first_that_is_set_wins(files: dict[str, str]) -> None:
    both = {"SSL_CERT_FILE": files["ssl"], "REQUESTS_CA_BUNDLE": files["requests"]}
    system = ("/nowhere.pem", files["system"])
    assert find_ca_file(files["setting"], both, system) == files["setting"]
    assert find_ca_file(None, both, system) == files["ssl"]
    assert find_ca_file(None, {**both, "SSL_CERT_FILE": ""}, system) == files["requests"]
    assert find_ca_file(None, {}, system) == files["system"]


def test_certifi_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    certifi = types.ModuleType("certifi")
    certifi.where = lambda: "/certifi.pem"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "certifi", certifi)
    monkeypatch.setattr(trust, "find_spec", lambda name: object())
    assert find_ca_file(None, {}, ("/nowhere.pem",)) == "/certifi.pem"
    monkeypatch.setattr(trust, "find_spec", lambda name: None)
    assert find_ca_file(None, {}, ("/nowhere.pem",)) == ""


@pytest.mark.parametrize("name", ["ca_file", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_named_file_that_is_not_there_is_an_error(name: str, files: dict[str, str]) -> None:
    missing = "/nowhere/ca.pem"
    setting = missing if name == "ca_file" else None
    environment = {} if name == "ca_file" else {name: missing}
    with pytest.raises(ValueError, match=f"{name} names /nowhere/ca.pem"):
        find_ca_file(setting, environment, (files["system"],))
