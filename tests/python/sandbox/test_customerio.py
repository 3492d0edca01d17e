"""Customer.io's sandbox: batches of bytes, errors by index, people that are made later; its own
client gets right answers."""

from __future__ import annotations

from typing import Any

import pytest
from customerio import CustomerIO, CustomerIOException

BATCH = "/api/v2/batch"


@pytest.fixture
def workspace(customerio: Any) -> Any:
    return customerio()


def person(action: str = "identify", attributes: Any = None, **identifiers: Any) -> dict[str, Any]:
    one = {"type": "person", "action": action, "identifiers": identifiers}
    return one if attributes is None else {**one, "attributes": attributes}


def send(workspace: Any, *operations: Any) -> Any:
    return workspace("POST", BATCH, {"batch": list(operations)})


def stored(workspace: Any, name: str = "people") -> list[dict[str, Any]]:
    return [one.values for one in workspace.vendor.collections()[name]]


def test_people_are_made_and_changed_and_deleted(workspace: Any) -> None:
    reply = send(workspace, person(id="A1", attributes={"risk": 0.5, "email": "a@acme.test"}))
    assert (reply.status, reply.body) == (200, {})
    send(workspace, person(email="A@acme.test", attributes={"risk": "", "tier": None, "plan": "x"}))
    assert stored(workspace) == [{"id": "A1", "email": "A@acme.test", "plan": "x"}]
    number = next(iter(workspace.vendor.collections()["people"])).id
    send(workspace, person(cio_id=number, attributes={"plan": "y"}))
    assert stored(workspace)[0]["plan"] == "y"
    send(workspace, person("delete", id="A1"), person("delete", id="nobody"))
    assert stored(workspace) == []


def test_operations_that_are_not_taken_are_named_by_their_index(workspace: Any) -> None:
    bad: list[tuple[Any, str]] = [
        ("row", ""),
        ({"type": "company"}, "type"),
        ({"type": "person", "action": "upsert"}, "action"),
        (person(), "identifiers"),
        (person(id="A", email="a@acme.test"), "identifiers"),
        (person(name="A"), "identifiers.name"),
        (person(email="bad"), "identifiers.email"),
        (person(id=""), "identifiers.id"),
        (person(id="A", attributes=[]), "attributes"),
        (person(id="A", attributes={"email": "bad"}), "attributes.email"),
        (person(id="A", attributes={str(n): n for n in range(301)}), "attributes"),
        (person(id="A", attributes={"n" * 151: 1}), "attributes"),
        (person(id="A", attributes={"n": "x" * 1001}), "attributes.n"),
        (person("event", id="A"), "name"),
        ({**person(id="A"), "colour": 1}, "colour"),
        ({**person(id="A"), "timestamp": "now"}, "timestamp"),
        (person(id="A", attributes={"n": ["x" * 900] * 36}), ""),
        (
            {"type": "object", "action": "identify", "identifiers": {"object_id": "1"}},
            "identifiers",
        ),
    ]
    good = person(id="A0")
    reply = send(workspace, good, *(one for one, _ in bad), person(id="A9"))
    assert reply.status == 207
    told = [(one["batch_index"], one["field"]) for one in reply.body["errors"]]
    assert told == [(at, field) for at, (_, field) in enumerate(bad, 1)]
    assert all(one["reason"] in ("invalid", "required") for one in reply.body["errors"])
    assert [one["id"] for one in stored(workspace)] == ["A0", "A9"]


def test_events_objects_and_suppression(workspace: Any) -> None:
    event = {**person("event", id="A1", attributes={"sum": 5}), "name": "paid"}
    seat = {"type": "object", "identifiers": {"object_type_id": "1", "object_id": "S"}}
    made = {**seat, "action": "identify", "attributes": {"plan": "x"}}
    assert send(workspace, event, made, made).status == 200
    assert stored(workspace, "events")[0]["data"] == {"sum": 5}
    assert [one["plan"] for one in stored(workspace, "objects")] == ["x"]
    send(workspace, {**seat, "action": "delete"}, person("suppress", id="A1"), person(id="A1"))
    assert stored(workspace) == stored(workspace, "objects") == []
    send(workspace, person("unsuppress", id="A1"), person(id="A1"))
    assert len(stored(workspace)) == 1


def test_what_belongs_to_another_person_is_dropped_in_silence(workspace: Any) -> None:
    send(workspace, person(id="A1", attributes={"email": "a@acme.test"}), person(id="A2"))
    reply = send(workspace, person(id="A2", attributes={"email": "a@acme.test", "x": 1}))
    assert reply.status == 200
    assert stored(workspace)[1] == {"id": "A2"}


@pytest.mark.parametrize(
    "body", [b"{", [], {}, {"batch": []}, {"batch": [], "x": 1}, {"batch": {}}]
)
def test_a_request_that_is_none_is_refused(workspace: Any, body: Any) -> None:
    reply = workspace("POST", BATCH, body)
    assert (reply.status, "error" in reply.body["meta"]) == (400, True)


def test_what_is_accepted_is_done_later_and_limits_hold(customerio: Any, clock: Any) -> None:
    workspace = customerio(job_ms=5000, limits={"max": 2, "interval_ms": 1000})
    clock.now = 1000.0
    statuses = [send(workspace, person(id="A1")).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert stored(workspace) == []
    clock.now += 5
    assert len(stored(workspace)) == 1


def test_faults_and_large_bodies(start: Any) -> None:
    rules = [{"match": {"nth": 1}, "do": "partial_207", "ok_share": 0.0, "message": "No."}]
    _, client = start({"vendors": {"customerio": {}}, "faults": rules})
    login = {"authorization": "Basic c2l0ZTprZXk="}
    answer = client("POST", BATCH, {"batch": [person(id="A")]}, login)
    assert (answer.status, answer.json()["errors"][0]["message"]) == (207, "No.")
    assert client("POST", BATCH, b" " * 500_001, login).status == 413
    assert client("POST", BATCH, {"batch": [person(id="A")]}).status == 401


# -- the vendor's own client ---------------------------------------------------------------------


def client_of(sandbox: Any, key: str = "key") -> CustomerIO:
    made = CustomerIO("site", key, retries=0)
    made.base_url = f"{sandbox.url}/api/v1"
    return made


def test_the_vendors_client_gets_right_answers(start: Any) -> None:
    sandbox, _ = start({"vendors": {"customerio": {"logins": ["site:key"]}}})
    track = client_of(sandbox)
    track.identify(id="A1", email="a@acme.test", risk=0.5)
    track.identify(id="A1", risk=0.75)
    track.track("A1", "paid", {"sum": 5})
    (stored,) = sandbox.records("customerio", "people")
    assert stored["values"]["risk"] == 0.75
    assert sandbox.records("customerio", "events")[0]["values"]["data"] == {"sum": 5}
    track.delete(customer_id="A1")
    assert sandbox.records("customerio", "people") == []
    with pytest.raises(CustomerIOException):
        client_of(sandbox, "other").identify(id="A1")
    with pytest.raises(CustomerIOException, match="invalid"):
        track.identify(id="A1", email="bad")
