"""node-zendesk gets right answers from Zendesk's sandbox.

Others wrote that client, for the real thing, so it cannot share our misunderstandings. What is
asserted is what the client returns or throws, and what is stored afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from node_client import Client, ClientError

from tailrace.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from node_client import Node

MADE = """
library.createClient({
  username: "ann@acme.test", token, endpointUri: `${url}/api/v2`, throwOriginalException: true,
})
"""
FIELDS = {"score": "decimal", "level": {"type": "dropdown", "options": ["low", "high"]}}
OPTIONS = {
    "limits": "none",
    "fields": {"users": FIELDS, "organizations": FIELDS},
    "api_tokens": ["ann@acme.test/token:secret"],
}
Account = tuple[Sandbox, Client]


@pytest.fixture
def account(node: Node) -> Iterator[Callable[..., Account]]:
    running: list[Sandbox] = []

    def make(**options: Any) -> Account:
        running.append(Sandbox({"vendors": {"zendesk": {**OPTIONS, **options}}}).__enter__())
        sandbox = running[-1]
        return sandbox, node.client("node-zendesk", MADE, url=sandbox.url, token="secret")

    yield make
    for one in running:
        one.__exit__(None, None, None)


def people(first: int, count: int) -> list[dict[str, Any]]:
    return [
        {
            "external_id": f"P{n}",
            "name": f"Zoë {n}",
            "email": f"p{n}@acme.test",
            "skip_verify_email": True,
            "user_fields": {"score": n / 4, "level": "low"},
        }
        for n in range(first, first + count)
    ]


def written(desk: Client, call: str, **given: Any) -> dict[str, Any]:
    """The job of a bulk request once it has ended."""
    program = f"""
    const {{result}} = await client.{call};
    if (result.job_status.status !== "queued") throw new Error(result.job_status.status);
    return client.jobstatuses.watch(result.job_status.id, 10, 5);
    """
    job: dict[str, Any] = desk(program, **given)
    return job


def upsert(desk: Client, users: list[dict[str, Any]]) -> dict[str, Any]:
    return written(desk, "users.createOrUpdateMany({users})", users=users)


def refused(desk: Client, program: str, **given: Any) -> dict[str, Any]:
    """What the client throws: the status and the answer's body."""
    with pytest.raises(ClientError) as caught:
        desk(program, **given)
    return caught.value.fields


# -- users and jobs ------------------------------------------------------------------------------


def test_a_login_is_an_agents(node: Node, account: Any) -> None:
    sandbox, desk = account()
    assert desk("return client.users.me()")["result"]["role"] == "admin"
    other = node.client("node-zendesk", MADE, url=sandbox.url, token="other")
    assert refused(other, "return client.users.me()")["statusCode"] == 401


def test_a_bulk_upsert_is_a_job_that_tells_of_each_row(account: Any) -> None:
    sandbox, desk = account()
    job = upsert(desk, people(0, 100))
    assert (job["status"], job["total"], job["progress"]) == ("completed", 100, 100)
    assert all(one["success"] and one["status"] == "Created" for one in job["results"])
    assert [one["external_id"] for one in job["results"]] == [f"P{n}" for n in range(100)]
    rows = people(98, 4)
    rows[3]["user_fields"]["level"] = "odd"
    job = upsert(desk, rows)
    assert job["status"] == "completed", "which says nothing about the rows"
    assert [one["status"] for one in job["results"]] == ["Updated", "Updated", "Created", "Failed"]
    failed = job["results"][3]
    assert (failed["index"], failed["success"]) == (3, False)
    assert "odd is not a valid option" in failed["details"]
    stored = {one["values"]["external_id"] for one in sandbox.records("zendesk", "users")}
    assert stored == {f"P{n}" for n in range(101)}


def test_a_job_is_watched_until_it_has_ended(account: Any) -> None:
    sandbox, desk = account(job_ms=1500)
    job = upsert(desk, people(0, 2))
    assert (job["status"], len(job["results"])) == ("completed", 2)
    asked = [one for one in sandbox.log("zendesk") if "job_statuses" in one["path"]]
    assert len(asked) > 1


def test_several_jobs_are_asked_for_at_once(account: Any) -> None:
    _, desk = account()
    ids = [upsert(desk, people(n, 1))["id"] for n in range(3)]
    told = desk("return client.jobstatuses.showMany(ids)", ids=ids)["result"]["job_statuses"]
    assert [one["id"] for one in told] == ids
    assert {one["status"] for one in told} == {"completed"}
    listed = desk("return client.jobstatuses.list()")["result"]["job_statuses"]
    assert {one["id"] for one in listed} == set(ids)
    assert refused(desk, "return client.jobstatuses.show('nobody')")["statusCode"] == 404


def test_users_are_updated_and_removed_in_bulk(account: Any) -> None:
    sandbox, desk = account()
    ids = [one["id"] for one in upsert(desk, people(0, 4))["results"]]
    changes = [{"id": one, "user_fields": {"level": None, "score": 9}} for one in ids[:2]]
    job = written(desk, "users.updateMany(null, {users}, null)", users=[*changes, {"id": 5}])
    assert [one["success"] for one in job["results"]] == [True, True, False]
    shown = desk("return client.users.showMany(ids)", ids=[*ids, 77])["result"]
    assert [one["user_fields"]["level"] for one in shown] == [None, None, "low", "low"]
    assert [one["user_fields"]["score"] for one in shown] == [9, 9, 0.5, 0.75]
    assert written(desk, "users.destroyMany(ids, null, null)", ids=ids[1:])["status"] == "completed"
    (left,) = sandbox.records("zendesk", "users")
    assert left["values"]["external_id"] == "P0"


def test_a_list_is_read_to_its_end(account: Any) -> None:
    sandbox, desk = account()
    for first, count in ((0, 100), (100, 100), (200, 50)):
        upsert(desk, people(first, count))
    found = desk("return client.users.list()")
    assert {one["external_id"] for one in found} == {f"P{n}" for n in range(250)}
    assert len(found) == 250
    pages = [one for one in sandbox.log("zendesk") if one["path"].startswith("/api/v2/users.json")]
    assert len(pages) == 3


def test_one_user_goes_round(account: Any) -> None:
    sandbox, desk = account()
    save = "return client.users.createOrUpdate({user})"
    user = {"external_id": "p1", "name": "Ann", "email": "ann@acme.test"}
    made = desk(save, user=user)
    assert made["response"]["status"] == 201
    again = desk(save, user={**user, "external_id": "P1", "name": "Anna"})
    assert (again["response"]["status"], again["result"]["id"]) == (200, made["result"]["id"])
    assert again["result"]["external_id"] == "P1", "the id is as it was sent last"
    create = "return client.users.create({user})"
    taken = refused(desk, create, user={"name": "B", "email": "ann@acme.test"})
    assert (taken["statusCode"], taken["result"]["error"]) == (422, "RecordInvalid")
    assert taken["result"]["details"]["email"][0]["error"] == "DuplicateValue"
    bad = refused(desk, create, user={"name": "B", "email": "nope"})
    assert "is not properly formatted" in bad["result"]["details"]["email"][0]["description"]
    key = made["result"]["id"]
    desk("return client.users.update(key, {user: {name: 'Bea'}})", key=key)
    assert desk("return client.users.show(key)", key=key)["result"]["name"] == "Bea"
    desk("return client.users.delete(key)", key=key)
    assert sandbox.records("zendesk", "users") == []
    assert refused(desk, "return client.users.show(5)")["result"]["error"] == "RecordNotFound"


# -- organizations, tickets, fields --------------------------------------------------------------


def test_organizations_are_created_updated_and_deleted_in_bulk(account: Any) -> None:
    sandbox, desk = account()
    rows = [{"external_id": f"O{n}", "name": f"Org {n}"} for n in range(4)]
    create = "organizations.createMany({organizations})"
    made = written(desk, create, organizations=rows)["results"]
    again = written(desk, create, organizations=rows[:1])
    assert again["results"][0]["error"] == "DuplicateValue"
    changes = [{"id": one["id"], "organization_fields": {"level": "high"}} for one in made]
    changes.append({"id": 5, "name": "nobody"})
    update = "organizations.updateMany({organizations})"
    changed = written(desk, update, organizations=changes)
    assert [one["success"] for one in changed["results"]] == [True] * 4 + [False]
    show = "return client.organizations.showManyByExternalIds(ids)"
    found = desk(show, ids=["o1", "O3", "none"])
    assert [one["external_id"] for one in found] == ["O1", "O3"]
    written(desk, "organizations.bulkDelete(ids)", ids=[one["id"] for one in made[:2]])
    written(desk, "organizations.bulkDeleteByExternalId(ids)", ids=["O2"])
    (left,) = sandbox.records("zendesk", "organizations")
    assert (left["values"]["name"], left["values"]["organization_fields"]) == (
        "Org 3",
        {"level": "high"},
    )


def test_an_organization_is_upserted_by_its_own_id_and_never_by_name(account: Any) -> None:
    sandbox, desk = account()
    save = "return client.organizations.upsert({organization})"
    first = desk(save, organization={"external_id": "o1", "name": "One"})
    assert first["response"]["status"] == 201
    again = desk(save, organization={"external_id": "o1", "name": "Uno"})
    assert again["response"]["status"] == 200
    taken = refused(desk, save, organization={"external_id": "o2", "name": "uno"})
    assert (taken["statusCode"], taken["result"]["details"]["name"][0]["error"]) == (
        422,
        "DuplicateValue",
    )
    (held,) = sandbox.records("zendesk", "organizations")
    assert held["values"]["name"] == "Uno"


def test_a_ticket_is_made(account: Any) -> None:
    sandbox, desk = account()
    ticket = {"subject": "Help", "comment": {"body": "It broke."}}
    made = desk("return client.tickets.create({ticket})", ticket=ticket)
    assert made["response"]["status"] == 201
    (held,) = sandbox.records("zendesk", "tickets")
    assert (held["values"]["subject"], held["id"]) == ("Help", str(made["result"]["id"]))


def test_fields_are_listed_and_made(account: Any) -> None:
    _, desk = account()
    listed = {one["key"]: one for one in desk("return client.userfields.list()")}
    assert listed["score"]["type"] == "decimal"
    assert [one["value"] for one in listed["level"]["custom_field_options"]] == ["low", "high"]
    field = {"key": "renewal", "type": "date", "title": "Renewal"}
    desk("return client.userfields.create({user_field: field})", field=field)
    rows = people(0, 2)
    rows[0]["user_fields"]["renewal"] = "2026-12-01"
    rows[1]["user_fields"]["renewal"] = "soon"
    assert [one["success"] for one in upsert(desk, rows)["results"]] == [True, False]
    keys = [one["key"] for one in desk("return client.organizationfields.list()")]
    assert keys == ["score", "level"]


# -- refusals ------------------------------------------------------------------------------------

MANY = "return client.users.createOrUpdateMany({users})"


def test_a_limit_says_how_long_to_wait(account: Any) -> None:
    sandbox, desk = account(limits={"max": 2, "interval_ms": 30_000})
    for _ in range(2):
        desk("return client.users.me()")
    # The client tells of a limit by what it returns.
    assert desk("return client.users.me()")["result"]["statusCode"] == 429
    assert [one["status"] for one in sandbox.log("zendesk")] == [200, 200, 429]


def test_an_account_has_so_many_jobs_at_a_time(account: Any) -> None:
    _, desk = account(max_jobs=1, job_ms=60_000)
    desk(MANY, users=people(0, 1))
    told = refused(desk, MANY, users=people(1, 1))
    assert (told["statusCode"], told["result"]["error"]) == (429, "TooManyJobs")


def test_what_cannot_be_meant_is_refused_whole(account: Any) -> None:
    sandbox, desk = account()
    assert refused(desk, MANY, users=people(0, 101))["statusCode"] == 400
    assert refused(desk, MANY, users=[])["statusCode"] == 400
    assert sandbox.records("zendesk", "users") == []


def test_an_account_whose_imports_are_off_says_so(account: Any) -> None:
    _, desk = account(bulk_import=False)
    assert refused(desk, MANY, users=people(0, 1))["statusCode"] == 403
