"""HTTP/2: requests side by side on one connection, and none that is sent twice by itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from http2_server import FATES, Http2Server, make_certificate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sync_world import World

Certificate = Any


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def world(make_world: Callable[..., World], certificate: Certificate) -> World:
    """One row a request; the sandbox that comes with it is not asked."""
    made = make_world("rest_put")
    made.connect(ca_file=str(certificate[0]), max_in_flight=8)
    insert = {"method": "POST", "path": "/people", "body": "object"}
    made.connection["objects"]["people"]["insert"] = insert
    return made


def run(world: World, server: Http2Server, **options: Any) -> Any:
    world.connect(base_url=server.url)
    return world.run(counted=False, compared=False, **options)


def test_many_requests_share_one_connection(world: World, certificate: Certificate) -> None:
    world.people(64)
    with Http2Server(certificate, together=8) as server:
        ended = run(world, server)
    assert ended.error is None, ended.error
    assert ended.counts.accepted == 64
    assert len(server.seen.bodies) == 64
    assert server.seen.connections == 1
    assert server.seen.most_at_once == 8


@pytest.mark.parametrize("fate", FATES)
def test_what_may_have_been_applied_is_not_sent_again_by_the_connection(
    world: World, certificate: Certificate, fate: str, timing: Callable[..., None]
) -> None:
    timing(deadline_s=3)
    world.people(1)
    world.declare(mode="insert", insert_safety="park")
    with Http2Server(certificate, fate=lambda _: fate) as server:
        ended = run(world, server)
    assert len(server.seen.bodies) == 1
    assert ended.report.http.requests == 1
    assert ended.counts.accepted == 0
    assert ended.counts.unknown == 1


@pytest.mark.parametrize("fate", FATES)
def test_a_connection_that_worked_before_repeats_nothing_either(
    world: World, certificate: Certificate, fate: str, timing: Callable[..., None]
) -> None:
    timing(deadline_s=3)
    world.people(3)
    world.connect(max_in_flight=1)
    world.declare(mode="insert", insert_safety="park")
    with Http2Server(certificate, fate=lambda nth: fate if nth == 2 else "ok") as server:
        ended = run(world, server)
    keys = [json.loads(body)["person_id"] for body in server.seen.bodies]
    assert sorted(keys) == ["p0", "p1", "p2"]
    assert (ended.counts.accepted, ended.counts.unknown) == (2, 1)


@pytest.mark.parametrize("fate", FATES)
def test_an_upsert_is_tried_again_as_an_attempt_that_is_on_record(
    world: World, certificate: Certificate, fate: str
) -> None:
    world.people(3)
    world.connect(max_in_flight=1)
    with Http2Server(certificate, fate=lambda nth: fate if nth == 1 else "ok") as server:
        ended = run(world, server)
    assert ended.error is None, ended.error
    assert ended.counts.accepted == 3
    assert len(server.seen.bodies) == ended.report.http.requests


def test_a_peer_that_is_not_trusted_gets_no_request(
    world: World, certificate: Certificate, tmp_path: Path
) -> None:
    other, _ = make_certificate(tmp_path)
    world.people(1)
    world.connect(ca_file=str(other))
    with Http2Server(certificate) as server:
        ended = run(world, server)
    assert ended.code == 2
    assert server.seen.bodies == []


def test_certificates_that_cannot_be_read_are_named(world: World, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    world.people(1)
    world.connect(ca_file=str(empty), base_url="https://localhost:1")
    ended = world.run(counted=False)
    assert ended.code == 2
    assert str(empty) in str(ended.error)
