"""What the tests of logins share: each grant, and what the sandbox counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from login_keys import PUBLIC_KEY
from sync_world import VARIABLE

if TYPE_CHECKING:
    from sync_world import World

SECRET = "${env:" + VARIABLE + "}"
JWT = {"issuer": "app", "subject": "ann@example.com", "audience": "https://login.example.com"}
GRANTS: dict[str, dict[str, Any]] = {
    "oauth2": {"client_id": "app", "client_secret": SECRET},
    "refresh_token": {"client_id": "app", "client_secret": SECRET, "refresh_token": "first-" * 4},
    "jwt": {**JWT, "key_file": "key.pem"},
}
SERVED: dict[str, dict[str, Any]] = {
    "oauth2": {"client_id": "app", "client_secret": "$SECRET"},
    "refresh_token": {
        "client_id": "app",
        "client_secret": "$SECRET",
        "refresh_token": "first-" * 4,
    },
    "jwt": {"jwt": {**JWT, "public_key": PUBLIC_KEY}},
}


def tokens(world: World) -> int:
    """Requests to the token endpoint."""
    by_op = world.sandbox.counters("rest")["by_op"]
    return int(by_op.get("oauth.token", 0))


def by_status(world: World) -> dict[str, int]:
    """Answers of the sandbox by their status."""
    return dict(world.sandbox.counters("rest")["by_status"])
