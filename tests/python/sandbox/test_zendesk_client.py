"""zdesk gets right answers from the sandbox.

Others made that client, out of Zendesk's own reference, so it cannot share our misunderstandings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from zdesk import AuthenticationError, RateLimitError, Zendesk, ZendeskError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.sandbox import Sandbox

FIELDS = {"score": "decimal", "level": {"type": "dropdown", "options": ["low", "high"]}}
OPTIONS = {"limits": "none", "fields": {"users": FIELDS, "organizations": FIELDS}}


@pytest.fixture
def account(start: Any) -> Callable[..., tuple[Sandbox, Zendesk]]:
    def make(**options: Any) -> tuple[Sandbox, Zendesk]:
        settings = {**OPTIONS, "api_tokens": ["ann@acme.test/token:secret"], **options}
        sandbox = start({"vendors": {"zendesk": settings}})[0]
        return sandbox, client(sandbox)

    return make


def client(sandbox: Sandbox, token: str = "secret", **more: Any) -> Zendesk:
    return Zendesk(sandbox.url, zdesk_email="ann@acme.test", zdesk_api=token, **more)


def people(first: int, count: int) -> dict[str, Any]:
    rows = [
        {
            "external_id": f"P{n}",
            "name": f"Name {n}",
            "email": f"p{n}@acme.test",
            "skip_verify_email": True,
            "user_fields": {"score": n / 4, "level": "low"},
        }
        for n in range(first, first + count)
    ]
    return {"users": rows}


def ended(desk: Zendesk, answer: Any) -> Any:
    """The job of an answer once it has ended; the sandbox's take no time."""
    assert answer["job_status"]["status"] == "queued"
    return desk.job_status_show(answer["job_status"]["id"])["job_status"]


def test_a_login_is_an_agents(account: Any) -> None:
    sandbox, desk = account()
    assert desk.users_me()["user"]["role"] == "admin"
    with pytest.raises(AuthenticationError):
        client(sandbox, "other").users_me()


def test_a_bulk_upsert_is_a_job_that_tells_of_each_row(account: Any) -> None:
    sandbox, desk = account()
    job = ended(desk, desk.users_create_or_update_many(people(0, 100)))
    assert (job["status"], job["total"], job["progress"]) == ("completed", 100, 100)
    assert all(one["success"] and one["status"] == "Created" for one in job["results"])
    assert [one["external_id"] for one in job["results"]] == [f"P{n}" for n in range(100)]
    rows = people(98, 4)
    rows["users"][3]["user_fields"]["level"] = "odd"
    job = ended(desk, desk.users_create_or_update_many(rows))
    assert [one["status"] for one in job["results"]] == ["Updated", "Updated", "Created", "Failed"]
    failed = job["results"][3]
    assert (failed["index"], failed["success"]) == (3, False)
    assert "odd is not a valid option" in failed["details"]
    stored = {one["values"]["external_id"] for one in sandbox.records("zendesk", "users")}
    assert stored == {f"P{n}" for n in range(101)}


def test_several_jobs_are_asked_for_at_once(account: Any) -> None:
    _, desk = account()
    ids = [desk.users_create_or_update_many(people(n, 1))["job_status"]["id"] for n in range(3)]
    told = desk.job_statuses_show_many(ids=",".join(ids))
    assert [one["id"] for one in told["job_statuses"]] == ids
    assert {one["status"] for one in told["job_statuses"]} == {"completed"}
    assert {one["id"] for one in desk.job_statuses_list()["job_statuses"]} == set(ids)


def test_a_list_is_read_to_its_end(account: Any) -> None:
    _, desk = account()
    for first in (0, 100, 200):
        desk.users_create_or_update_many(people(first, 100 if first < 200 else 50))
    found = desk.users_list(get_all_pages=True)["users"]
    assert len({one["id"] for one in found}) == len(found) == 250
    one = desk.users_show_many(external_ids=["p7", "P249", "nobody"])["users"]
    assert [(user["external_id"], user["user_fields"]["score"]) for user in one] == [
        ("P7", 1.75),
        ("P249", 62.25),
    ]


def test_organizations_are_created_updated_and_deleted_in_bulk(account: Any) -> None:
    sandbox, desk = account()
    rows = [{"external_id": f"O{n}", "name": f"Org {n}"} for n in range(3)]
    made = ended(desk, desk.organizations_create_many({"organizations": rows}))["results"]
    again = ended(desk, desk.organizations_create_many({"organizations": rows[:1]}))
    assert again["results"][0]["error"] == "DuplicateValue"
    changes = [{"id": one["id"], "organization_fields": {"level": "high"}} for one in made]
    changes.append({"id": 5, "name": "nobody"})
    changed = ended(desk, desk.organizations_update_many({"organizations": changes}))
    assert [one["success"] for one in changed["results"]] == [True, True, True, False]
    ids = [one["id"] for one in made[:2]]
    assert ended(desk, desk.organizations_destroy_many(ids=ids))["status"] == "completed"
    (left,) = sandbox.records("zendesk", "organizations")
    assert (left["values"]["name"], left["values"]["organization_fields"]) == (
        "Org 2",
        {"level": "high"},
    )


def test_a_ticket_is_made_once_under_its_key(account: Any) -> None:
    sandbox, _ = account()
    desk = client(sandbox, headers={"Idempotency-Key": "t-1"})
    ticket = {"ticket": {"subject": "Help", "comment": {"body": "It broke."}}}
    location = desk.ticket_create(ticket)
    assert location.startswith(f"{sandbox.url}/api/v2/tickets/")
    assert desk.ticket_create(ticket) == location
    ticket["ticket"]["subject"] = "Other"
    with pytest.raises(ZendeskError) as refused:
        desk.ticket_create(ticket)
    assert refused.value.error_code == 400
    assert len(sandbox.records("zendesk", "tickets")) == 1


def test_a_limit_says_how_long_to_wait(account: Any) -> None:
    _, desk = account(limits={"max": 2, "interval_ms": 30_000})
    for _ in range(2):
        desk.users_me()
    with pytest.raises(RateLimitError) as refused:
        desk.users_me()
    assert 1 <= int(refused.value.response.headers["Retry-After"]) <= 30


def test_an_account_has_so_many_jobs_at_a_time(account: Any) -> None:
    _, desk = account(max_jobs=1, job_ms=60_000)
    answer = desk.users_create_or_update_many(people(0, 1))
    assert desk.job_status_show(answer["job_status"]["id"])["job_status"]["status"] == "queued"
    with pytest.raises(RateLimitError, match="TooManyJobs"):
        desk.users_create_or_update_many(people(1, 1))


def test_what_cannot_be_meant_is_refused(account: Any) -> None:
    _, desk = account(bulk_import=False)
    with pytest.raises(ZendeskError) as refused:
        desk.users_create_or_update_many(people(0, 1))
    assert refused.value.error_code == 403
    with pytest.raises(ZendeskError) as refused:
        desk.organizations_create_many({"organizations": [{"name": f"O{n}"} for n in range(101)]})
    assert refused.value.error_code == 400
    with pytest.raises(ZendeskError) as refused:
        desk.job_status_show("nobody")
    assert refused.value.error_code == 404


def test_fields_are_listed_and_made(account: Any) -> None:
    _, desk = account()
    listed = {one["key"]: one for one in desk.user_fields_list()["user_fields"]}
    assert listed["score"]["type"] == "decimal"
    assert [one["value"] for one in listed["level"]["custom_field_options"]] == ["low", "high"]
    made = {"user_field": {"key": "renewal", "type": "date", "title": "Renewal"}}
    desk.user_field_create(made)
    rows = people(0, 1)
    rows["users"][0]["user_fields"]["renewal"] = "2026-12-01"
    job = ended(desk, desk.users_create_or_update_many(rows))
    assert job["results"][0]["success"] is True
