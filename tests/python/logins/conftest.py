"""Logins that ask for tokens, with nothing faked: DuckDB, the core, and a token endpoint."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

HERE = Path(__file__).resolve().parent
# Test modules are imported by path, so a module beside them is found only here.
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "support")]

from destination_forms import BY_NAME  # noqa: E402
from login_grants import GRANTS, SERVED  # noqa: E402
from sync_fixtures import ground, make_world, timing  # noqa: E402, F401

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World


@pytest.fixture
def make_login(
    make_world: Callable[..., World],  # noqa: F811
) -> Callable[..., World]:
    """A world whose API wants tokens by a grant; `served` changes the endpoint, `asked` the
    connection's `auth`."""

    def make(
        grant: str,
        form: str = "rest_errors",
        *,
        served: dict[str, Any] | None = None,
        asked: dict[str, Any] | None = None,
        **changes: Any,
    ) -> World:
        chosen = replace(
            BY_NAME[form],
            login={},
            credential_option="oauth",
            credential={**SERVED[grant], **(served or {})},
        )
        world = make_world(chosen, **changes)
        key = world.folder / "key.pem"
        key.write_text((HERE / "key.pem").read_text(encoding="utf-8"), encoding="utf-8")
        key.chmod(0o600)
        url = f"{world.sandbox.url}/rest/oauth/token"
        world.connect(auth={grant: {"token_url": url, **GRANTS[grant], **(asked or {})}})
        return world

    return make
