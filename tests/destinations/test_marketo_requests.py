"""Every request that the core sends to Marketo is one that the vendor's own description knows: its
path, its parameters, its body. A request that is broken on purpose is none."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from destination_forms import BY_NAME, KEY

sys.path.append(str(Path(__file__).resolve().parents[1] / "python" / "sandbox"))

from specs import Spec, spec

from tailrace.sandbox.marketo import Marketo
from tailrace.sandbox.marketo.asking import as_meant
from tailrace.sandbox.multipart import read_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World

    from tailrace.sandbox.wire import Request

MAPI = spec("marketo/swagger-mapi.trimmed.json")
IDENTITY = spec("marketo/swagger-identity.json")
LOGIN = {"client_id": "app", "client_secret": "$SECRET"}


def problems(request: Request) -> list[str]:
    """What the description says against a request."""
    # Adobe's guide has the POST that stands for a GET, its Swagger file does not.
    meant = as_meant(request)
    described: Spec = IDENTITY if meant.path.startswith("/identity/") else MAPI
    found = described.parameter_problems(meant.method, meant.path, "query", dict(meant.query))
    if meant.content_type == "multipart/form-data":
        form = {part.name: part.data.decode() for part in read_parts(meant)}
        return found + described.parameter_problems(meant.method, meant.path, "formData", form)
    if meant.body:
        body = json.loads(meant.body)
        return found + described.request_problems(meant.method, meant.path, body)
    return found + described.parameter_problems(meant.method, meant.path, "body", {})


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    requests: list[Request] = []
    read = Marketo.read

    def keep(self: Marketo, request: Request) -> Any:
        requests.append(request)
        return read(self, request)

    monkeypatch.setattr(Marketo, "read", keep)
    return requests


def test_every_request_is_one_of_the_description(
    make_world: Callable[..., World], recorded: list[Request]
) -> None:
    form = BY_NAME["marketo"]
    form = replace(form, login=LOGIN, credential_option="oauth", credential=LOGIN)
    world = make_world(form)
    world.connect(partition="Default")
    world.declare(mode="mirror")
    world.people(40)
    assert world.project().check("people") == []
    done(world)
    world.connect(api="bulk")
    world.people(20, first=40)
    done(world)
    world.sandbox.set_faults([{"match": {"op": "import"}, "do": "partial_207", "ok_share": 0.5}])
    world.people(20, first=60)
    assert world.run(counted=False).code == 1
    world.sandbox.set_faults([])
    world.connect(api="leads")
    world.sql("delete from people where substr(person_id, 2)::int between 35 and 45")
    world.run(counted=False)
    world.sql("update people set note = null")
    done(world)
    world.project().verify("people")
    world.declare(mode="update")
    world.sql("update people set note = 'x'")
    done(world)
    world.declare(mode="upsert", on_removed="clear")
    done(world)
    world.sql("delete from people where person_id = 'p3'")
    done(world)
    world.declare(mode="insert", on_removed="ignore")
    world.people(1, first=100)
    done(world)
    world.declare(object="list:1001", mode="upsert", on_removed="delete", fields={KEY: KEY})
    done(world)
    assert world.project().check("people") == []
    world.sql("delete from people where person_id = 'p4'")
    done(world)
    seen = {(one.method, one.path.rsplit("/", 1)[0]) for one in recorded}
    assert len(seen) >= 9
    assert {one.query.get("_method") for one in recorded} >= {None}
    wrong = {f"{one.method} {one.path}": told for one in recorded if (told := problems(one))}
    assert wrong == {}


def done(world: World) -> None:
    ended = world.run(counted=False, compared=False)
    assert ended.code == 0, ended.error


LEADS = "/rest/v1/leads.json"


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"body": b'{"action": "upsert", "input": [{"email": "a"}]}'}, "action"),
        ({"body": b'{"rows": [{"email": "a"}]}'}, "input"),
        ({"body": b'{"input": {"email": "a"}}'}, "input"),
        ({"method": "GET", "body": b"", "query": {"filterType": "email"}}, "filterValues"),
        ({"method": "GET", "body": b"", "query": {"filter": "email"}}, "filter"),
        ({"path": "/rest/v1/leads/delete.json", "body": b'{"input": [{"id": "x"}]}'}, "integer"),
        ({"path": "/bulk/v1/leads.json", "body": b""}, "format"),
    ],
)
def test_a_request_that_is_broken_on_purpose_is_found(changes: dict[str, Any], part: str) -> None:
    from tailrace.sandbox.wire import Request

    plain = {
        "method": "POST",
        "path": LEADS,
        "query": {},
        "headers": {"content-type": "application/json"},
        "body": b'{"input": [{"email": "a"}]}',
        "target_size": 0,
    }
    assert problems(Request(**plain)) == []
    assert part in " ".join(problems(Request(**{**plain, **changes})))
