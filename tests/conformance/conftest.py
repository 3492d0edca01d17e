"""Clients and servers that others wrote, for Node and Java; `make conformance` installs them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

HERE = Path(__file__).resolve().parent
# What several files of this folder use stands beside them; pytest does not look there by itself.
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

from node_client import Node  # noqa: E402
from sync_fixtures import ground, timing  # noqa: E402, F401
from wiremock_server import WireMock  # noqa: E402
from wiremock_shop import Shop  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One process of Node for all clients, since it takes longer to start than a test does."""
    running = Node(tmp_path_factory.mktemp("home"))
    yield running
    running.close()


@pytest.fixture(scope="session")
def wiremock_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WireMock]:
    """One Java process for all tests."""
    with WireMock(tmp_path_factory.mktemp("wiremock")) as running:
        yield running


@pytest.fixture
def wiremock(wiremock_server: WireMock) -> Iterator[WireMock]:
    """WireMock with nothing in it; no request may come in the end that no stub is for."""
    wiremock_server.reset()
    yield wiremock_server
    assert all(one.matched for one in wiremock_server.journal())


@pytest.fixture
def make_shop(ground: Path, wiremock: WireMock) -> Callable[..., Shop]:  # noqa: F811
    """A project whose destination is WireMock."""
    return lambda **sync: Shop(ground, wiremock, **sync)
