"""Whatever is sent, the answer is the vendor's refusal or its yes, never a failure of our own."""

from __future__ import annotations

import json
import random
import socket
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 10**400, 1e308, "", " ", "a@b.co", "\u0000", "id", "email"),
    *("\N{GRINNING FACE}", "<b>", "x" * 1000, [], {}, [[]], [None], {"inputs": None}),
]
NAMES = [
    *("inputs", "id", "idProperty", "properties", "objectWriteTraceId", "email", "firstname"),
    *("", "associations", "propertiesWithHistory", "hs_object_id", "v"),
]
PATHS = [
    *(
        f"/crm/v3/objects/contacts/batch/{op}"
        for op in ["upsert", "create", "update", "archive", "read"]
    ),
    "/crm/v3/properties/contacts",
    "/crm/v3/objects/contacts?limit=5&after=9",
    "/oauth/v1/token",
    "/rest/a",
    "/rest/a?mode=append",
    "/rest/a?key=v",
    "/rest/a/k%00%FF",
]


def nonsense(chance: random.Random, depth: int = 0) -> Any:
    if depth > 3 or chance.random() < 0.3:
        return chance.choice(VALUES)
    if chance.random() < 0.4:
        return [nonsense(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {
        chance.choice(NAMES): nonsense(chance, depth + 1) for _ in range(chance.randrange(1, 5))
    }


@pytest.mark.parametrize("seed", range(4))
def test_any_json_gets_an_answer(
    hubspot: Callable[..., Any], rest: Callable[..., Any], seed: int
) -> None:
    chance = random.Random(seed)
    vendors = [hubspot(oauth=None), rest(), hubspot(multi_status="full")]
    for _ in range(1500):
        path = chance.choice(PATHS)
        body = nonsense(chance)
        if chance.random() < 0.7:
            body = {"inputs": body if isinstance(body, list) else [body]}
        for vendor in vendors:
            if vendor.vendor.serves(path):
                method = chance.choice(["POST", "POST", "POST", "PUT", "GET", "DELETE"])
                reply = vendor(method, path, json.dumps(body).encode())
                assert 200 <= reply.status < 500
                json.loads(reply.payload() or b"null")


@pytest.mark.parametrize(
    "line",
    [
        b"GET /crm/v3/objects/\xff\xfe HTTP/1.1",
        b"GET /rest/\xc3\xbc/\xff HTTP/1.1",
        b"GET /rest/a/%ff%00 HTTP/1.1",
        b"GET /?vendor=\xff&object=%ff&q=%ff HTTP/1.1",
        b"GET /__state?log=\xff HTTP/1.1",
        b"DELETE // HTTP/1.1",
        b"GET http://127.0.0.1/rest/a HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"HEAD / HTTP/1.1",
    ],
)
def test_bytes_that_are_no_text_get_an_answer_and_spoil_no_page(start: Any, line: bytes) -> None:
    _, client = start({"limits": "none"})
    head = (
        b"\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \xff\xfe\r\nIdempotency-Key: \xff\r\n"
        b"Connection: close\r\n\r\n"
    )
    with socket.create_connection((client.host, client.port), 5) as sock:
        sock.sendall(line + head)
        answer = sock.recv(65536)
    assert answer.startswith(b"HTTP/1.")
    assert int(answer.split(b" ")[1]) < 500
    assert client("GET", "/").status == 200
    assert client("GET", "/__state?log=10").status == 200
