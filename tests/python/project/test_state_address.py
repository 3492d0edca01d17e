"""State in a file or in PostgreSQL: addresses, what is remembered, and no password shown."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace import errors
from tailrace.state_address import resolve_state, state_file, without_login

DSN = "postgresql://tail:canary-7@db.example.com:5433/state?sslmode=require"


@pytest.fixture
def postgres(folder: Any) -> Any:
    """The project with its state in PostgreSQL."""
    folder.environment["STATE"] = DSN
    folder.change("tailrace.yml", "name: acme", 'name: acme\nstate: "${env:STATE}"')
    return folder


def test_a_dsn_goes_to_the_core_as_it_is(postgres: Any, core: Any) -> None:
    postgres.load().run("health")
    assert core.specs[0]["state"]["url"] == DSN


def test_state_in_a_database_is_not_local(postgres: Any, folder: Any) -> None:
    project = postgres.load()
    assert project.state_is_local is False
    assert DSN in project.secrets("health")
    postgres.change("tailrace.yml", "${env:STATE}", "sqlite:///x.db")
    assert postgres.load().state_is_local is True


def test_the_password_stands_in_no_file_and_no_error(postgres: Any, core: Any) -> None:
    postgres.load().run("health")
    for path in (postgres.path / ".tailrace").rglob("*"):
        if path.is_file():
            assert "canary-7" not in path.read_text()
    core.result = {"status": "busy", "message": "busy", "report": None}
    with pytest.raises(errors.Busy) as caught:
        postgres.load().run("health")
    assert "canary-7" not in repr(caught.value)


def test_another_password_is_the_same_store(postgres: Any, core: Any) -> None:
    postgres.load().run("health")
    postgres.environment["STATE"] = DSN.replace("tail:canary-7", "other:changed")
    postgres.load().run("health")
    postgres.environment["STATE"] = DSN.replace("/state?", "/other?")
    postgres.load().run("health")
    first, same, other = (spec["state"]["expect"] for spec in core.specs)
    assert first is None
    assert same["store_id"] == "s1"
    assert other is None


def test_a_reset_asks_the_database(postgres: Any, core: Any) -> None:
    postgres.load().reset("health")
    assert core.store_calls[0][:2] == ("reset", DSN)


def test_a_database_is_not_set_aside(postgres: Any, core: Any) -> None:
    core.store_error = core.StateLostError("its tables are damaged")
    with pytest.raises(errors.StateLost, match="damaged"):
        postgres.load().reset("health")


def test_shards_are_remembered_apart(folder: Any, core: Any) -> None:
    project = folder.load()
    project.run("health", shard=(0, 2, ""))
    project.run("health", shard=(1, 2, ""))
    project.run("health", shard=(0, 2, ""))
    assert [bool(spec["state"]["expect"]) for spec in core.specs] == [False, False, True]


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("postgresql://h/d", "postgresql://h/d"),
        ("postgres://u:p@h:1/d", "postgresql://h:1/d"),
        ("postgresql:///d?host=/run&user=u&password=p", "postgresql:///d?host=%2Frun"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
    ],
)
def test_who_logs_in_does_not_decide_which_store_it_is(address: str, plain: str) -> None:
    assert without_login(address) == plain


def test_only_a_file_has_a_path(tmp_path: Any) -> None:
    assert state_file(resolve_state("sqlite:///a.db", tmp_path)) == tmp_path / "a.db"
    assert state_file(resolve_state("postgresql:///d", tmp_path)) is None


@pytest.mark.parametrize("address", ["postgresql://u:canary@h:x/d", "postgresql://u:canary@h"])
def test_an_address_that_is_wrong_is_not_quoted(address: str, tmp_path: Any) -> None:
    with pytest.raises(ValueError, match="database") as caught:
        resolve_state(address, tmp_path)
    assert "canary" not in str(caught.value)


def test_a_part_of_a_plan_works_with_its_shards_state(folder: Any, core: Any) -> None:
    project = folder.load()
    project.run("health", shard=(1, 2, ""))
    project.run("health", plan_file="/plans/health.1of2.plan")
    project.run("health", plan_file="/plans/health.0of2.plan")
    assert [bool(spec["state"]["expect"]) for spec in core.specs] == [False, True, False]
