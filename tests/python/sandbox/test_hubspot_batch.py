"""HubSpot's batches: what is taken, what fails a row, what fails the whole request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

UPSERT = "/crm/v3/objects/contacts/batch/upsert"
CREATE = "/crm/v3/objects/contacts/batch/create"
UPDATE = "/crm/v3/objects/contacts/batch/update"
ARCHIVE = "/crm/v3/objects/contacts/batch/archive"
READ = "/crm/v3/objects/contacts/batch/read"

OPTIONS = {
    "properties": {
        "contacts": {
            "score": "number",
            "segment": {"type": "enumeration", "options": ["low", "high"]},
            "renewal": "date",
            "seen_at": "datetime",
            "active": "bool",
            "ext_id": {"type": "string", "unique": True},
        },
        "companies": {"crm_key": {"type": "string", "unique": True}},
    }
}

Make = Any
Contact = Any


def values(hubspot: Any, name: str = "contacts") -> list[dict[str, str]]:
    return [record.values for record in hubspot.vendor.collections()[name]]


@pytest.fixture
def account(hubspot: Callable[..., Any]) -> Any:
    return hubspot(**OPTIONS)


# -- upsert ------------------------------------------------------------------------------------


def test_upsert_creates_and_then_updates(account: Make, contact: Contact) -> None:
    first = account("POST", UPSERT, {"inputs": [contact("a@b.co", "1", firstname="Ada")]})
    again = account("POST", UPSERT, {"inputs": [contact("a@b.co", "1", lastname="L")]})
    assert (first.status, again.status) == (200, 200)
    assert first.body["status"] == "COMPLETE"
    assert first.body["results"][0]["new"] is True
    assert again.body["results"][0]["new"] is False
    assert first.body["results"][0]["id"] == again.body["results"][0]["id"]
    assert values(account) == [{"email": "a@b.co", "firstname": "Ada", "lastname": "L"}]


def test_the_date_based_path_is_the_same_account(account: Make, contact: Contact) -> None:
    for version in ("2025-09", "2026-03", "2031-12-beta"):
        path = f"/crm/objects/{version}/contacts/batch/upsert"
        assert account("POST", path, {"inputs": [contact("a@b.co")]}).status == 200
    assert len(values(account)) == 1


@pytest.mark.parametrize("name", ["contacts", "contact", "0-1"])
def test_an_object_has_its_name_its_singular_and_its_number(
    account: Make, contact: Contact, name: str
) -> None:
    path = f"/crm/v3/objects/{name}/batch/upsert"
    assert account("POST", path, {"inputs": [contact("a@b.co")]}).status == 200


def test_results_come_in_another_order_and_carry_their_trace(
    account: Make, contact: Contact
) -> None:
    for count in (2, 3, 100):
        sent = [contact(f"u{n}@b.co", str(n)) for n in range(count)]
        results = account("POST", UPSERT, {"inputs": sent}).body["results"]
        traces = [result["objectWriteTraceId"] for result in results]
        assert traces != [str(n) for n in range(count)]
        assert sorted(traces, key=int) == [str(n) for n in range(count)]
        for result in results:
            email = f"u{result['objectWriteTraceId']}@b.co"
            assert result["properties"]["email"] == email


def test_no_trace_is_invented(account: Make, contact: Contact) -> None:
    reply = account("POST", UPSERT, {"inputs": [contact("a@b.co")]})
    assert "objectWriteTraceId" not in reply.body["results"][0]


def test_emails_are_one_whatever_their_case_and_spaces(account: Make, contact: Contact) -> None:
    account("POST", UPSERT, {"inputs": [contact("Ada@B.co", email=" ADA@b.CO ")]})
    reply = account("POST", UPSERT, {"inputs": [contact(" ada@b.co")]})
    assert reply.body["results"][0]["new"] is False
    assert values(account) == [{"email": "ada@b.co"}]


def test_a_hundred_inputs_are_taken_and_one_more_is_not(account: Make, contact: Contact) -> None:
    inputs = [contact(f"u{n}@b.co", str(n)) for n in range(101)]
    refused = account("POST", UPSERT, {"inputs": inputs})
    assert (refused.status, refused.body["category"]) == (400, "VALIDATION_ERROR")
    assert values(account) == []
    assert account("POST", UPSERT, {"inputs": inputs[:100]}).status == 200


def test_scalars_are_stored_as_texts(account: Make, contact: Contact) -> None:
    body = (
        b'{"inputs":[{"id":"a@b.co","idProperty":"email","properties":{"score":'
        b'12345678901234567890.123456789,"active":true,"firstname":12}}]}'
    )
    assert account("POST", UPSERT, body).status == 200
    assert values(account) == [
        {
            "score": "12345678901234567890.123456789",
            "active": "true",
            "firstname": "12",
            "email": "a@b.co",
        }
    ]


def test_an_empty_text_clears_a_property(account: Make, contact: Contact) -> None:
    account("POST", UPSERT, {"inputs": [contact("a@b.co", firstname="Ada", score="1")]})
    reply = account("POST", UPSERT, {"inputs": [contact("a@b.co", firstname="", score="")]})
    assert reply.status == 200
    assert values(account) == [{"email": "a@b.co"}]
    read = account("POST", READ, {"properties": ["firstname"], "inputs": [{"id": "20000000001"}]})
    assert read.body["results"][0]["properties"]["firstname"] is None


def test_an_absent_property_is_left_as_it_is(account: Make, contact: Contact) -> None:
    account("POST", UPSERT, {"inputs": [contact("a@b.co", firstname="Ada")]})
    account("POST", UPSERT, {"inputs": [contact("a@b.co")]})
    assert values(account)[0]["firstname"] == "Ada"


def test_hostile_text_is_stored_as_it_came(account: Make, contact: Contact) -> None:
    hostile = "<script>alert(1)</script>\u0000\u202e\N{GRINNING FACE}'\";--\r\n"
    account("POST", UPSERT, {"inputs": [contact("a@b.co", firstname=hostile)]})
    assert values(account)[0]["firstname"] == hostile


def test_a_custom_unique_property_identifies_records(account: Make) -> None:
    one = {"id": "k 1/ü", "idProperty": "ext_id", "properties": {"firstname": "Ada"}}
    assert account("POST", UPSERT, {"inputs": [one]}).body["results"][0]["new"] is True
    assert account("POST", UPSERT, {"inputs": [one]}).body["results"][0]["new"] is False
    assert values(account) == [{"firstname": "Ada", "ext_id": "k 1/ü"}]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("firstname", "non-unique 0-1 property firstname"),
        ("hs_object_id", "non-unique 0-1 property hs_object_id"),
        ("nowhere", "non-unique 0-1 property nowhere"),
    ],
)
def test_only_a_unique_property_identifies(account: Make, name: str, message: str) -> None:
    one = {"id": "x", "idProperty": name, "properties": {}}
    reply = account("POST", UPSERT, {"inputs": [one]})
    assert reply.status == 400
    assert message in reply.body["message"]


def test_a_companys_domain_is_not_unique(account: Make) -> None:
    one = {"id": "b.co", "idProperty": "domain", "properties": {"name": "B"}}
    reply = account("POST", "/crm/v3/objects/companies/batch/upsert", {"inputs": [one]})
    assert (reply.status, "0-2 property domain" in reply.body["message"]) == (400, True)


def test_upsert_needs_an_id_property(account: Make) -> None:
    reply = account("POST", UPSERT, {"inputs": [{"id": "a@b.co", "properties": {}}]})
    assert (reply.status, "idProperty" in reply.body["message"]) == (400, True)


# -- bad values --------------------------------------------------------------------------------

BAD_VALUES = [
    ("score", "many", "INVALID_LONG"),
    ("segment", "middle", "INVALID_OPTION"),
    ("renewal", "tomorrow", "INVALID_DATE"),
    ("seen_at", "2026-01-01", "INVALID_DATE"),
    ("active", "yes", "INVALID_OPTION"),
    ("email", "no address", "INVALID_EMAIL"),
]


@pytest.mark.parametrize(("name", "value", "code"), BAD_VALUES)
def test_with_traces_a_bad_value_fails_its_row_alone(
    account: Make, contact: Contact, name: str, value: str, code: str
) -> None:
    inputs = [contact(f"u{n}@b.co", f"t{n}") for n in range(5)]
    inputs[3]["properties"][name] = value
    reply = account("POST", UPSERT, {"inputs": inputs})
    assert (reply.status, reply.body["numErrors"]) == (207, 1)
    (error,) = reply.body["errors"]
    assert error["category"] == "VALIDATION_ERROR"
    assert error["context"] == {"objectWriteTraceId": ["t3"]}
    problems = json.loads(error["message"].removeprefix("Property values were not valid: "))
    assert [(one["name"], one["error"], one["isValid"]) for one in problems] == [
        (name, code, False)
    ]
    assert sorted(one["objectWriteTraceId"] for one in reply.body["results"]) == [
        *("t0", "t1", "t2", "t4")
    ]
    assert sorted(one["email"] for one in values(account)) == [
        *("u0@b.co", "u1@b.co", "u2@b.co", "u4@b.co")
    ]


@pytest.mark.parametrize(("name", "value", "code"), BAD_VALUES)
def test_without_traces_a_bad_value_fails_the_batch_and_names_the_first_row_only(
    account: Make, contact: Contact, name: str, value: str, code: str
) -> None:
    inputs = [contact(f"u{n}@b.co") for n in range(5)]
    inputs[2]["properties"][name] = value
    inputs[4]["properties"]["score"] = "the second bad one"
    reply = account("POST", UPSERT, {"inputs": inputs})
    assert (reply.status, reply.body["category"]) == (400, "VALIDATION_ERROR")
    assert code in reply.body["message"]
    assert "the second bad one" not in reply.body["message"]
    assert values(account) == []


def test_one_missing_trace_is_as_none(account: Make, contact: Contact) -> None:
    inputs = [contact("a@b.co", "1"), contact("b@b.co", score="x")]
    assert account("POST", UPSERT, {"inputs": inputs}).status == 400
    assert values(account) == []


def test_an_id_that_is_no_email_fails_its_row(account: Make, contact: Contact) -> None:
    reply = account("POST", UPSERT, {"inputs": [contact("nobody", "1")]})
    assert (reply.status, reply.body["results"]) == (207, [])
    assert "INVALID_EMAIL" in reply.body["errors"][0]["message"]


@pytest.mark.parametrize("traces", [True, False])
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("nowhere", "PROPERTY_DOESNT_EXIST"),
        ("hs_object_id", "READ_ONLY_VALUE"),
        ("lastmodifieddate", "READ_ONLY_VALUE"),
    ],
)
def test_an_unknown_or_read_only_property_fails_the_whole_batch(
    account: Make, contact: Contact, traces: bool, name: str, code: str
) -> None:
    inputs = [contact(f"u{n}@b.co", str(n) if traces else None) for n in range(3)]
    inputs[1]["properties"][name] = "1"
    reply = account("POST", UPSERT, {"inputs": inputs})
    assert (reply.status, reply.body["category"]) == (400, "VALIDATION_ERROR")
    assert code in reply.body["message"]
    assert values(account) == []


def test_full_multi_status_makes_unknown_properties_and_conflicts_per_row(
    hubspot: Make, contact: Contact
) -> None:
    account = hubspot(multi_status="full", **OPTIONS)
    inputs = [contact("a@b.co", "1", nowhere="x"), contact("b@b.co", "2")]
    reply = account("POST", UPSERT, {"inputs": inputs})
    assert (reply.status, len(reply.body["results"])) == (207, 1)
    assert "PROPERTY_DOESNT_EXIST" in reply.body["errors"][0]["message"]
    creates = [
        {"objectWriteTraceId": "1", "properties": {"email": "b@b.co"}},
        {"objectWriteTraceId": "2", "properties": {"email": "c@b.co"}},
    ]
    reply = account("POST", CREATE, {"inputs": creates})
    assert reply.status == 207
    (error,) = reply.body["errors"]
    assert error["category"] == "CONFLICT"
    assert error["context"]["existingId"] == ["20000000001"]
    assert error["context"]["objectWriteTraceId"] == ["1"]


def test_unknown_properties_may_be_created_on_the_way(hubspot: Make, contact: Contact) -> None:
    account = hubspot(unknown_properties="create")
    assert account("POST", UPSERT, {"inputs": [contact("a@b.co", mood="good")]}).status == 200
    listed = account("GET", "/crm/v3/properties/contacts").body["results"]
    assert "mood" in [one["name"] for one in listed]


@pytest.mark.parametrize("trace", ["1", None])
def test_the_same_id_twice_fails_the_whole_batch(
    account: Make, contact: Contact, trace: str | None
) -> None:
    inputs = [
        contact("a@b.co", trace),
        contact("ok@b.co", trace and "2"),
        contact("A@B.co", trace and "3"),
    ]
    reply = account("POST", UPSERT, {"inputs": inputs})
    assert (reply.status, reply.body["category"]) == (400, "VALIDATION_ERROR")
    assert reply.body["message"].startswith("Duplicate IDs found in batch input: [a@b.co]")
    assert reply.body["context"] == {"ids": ["a@b.co"]}
    assert values(account) == []


def test_the_same_trace_twice_is_refused(account: Make, contact: Contact) -> None:
    inputs = [contact("a@b.co", "1"), contact("b@b.co", "1")]
    assert account("POST", UPSERT, {"inputs": inputs}).status == 400
    assert values(account) == []


def test_a_new_ticket_needs_its_stage(account: Make, hubspot: Make) -> None:
    tickets = hubspot(properties={"tickets": {"key": {"type": "string", "unique": True}}})
    path = "/crm/v3/objects/tickets/batch/upsert"
    one: dict[str, Any] = {
        "id": "k",
        "idProperty": "key",
        "objectWriteTraceId": "1",
        "properties": {"subject": "Help"},
    }
    reply = tickets("POST", path, {"inputs": [one]})
    assert reply.status == 207
    assert reply.body["errors"][0]["context"]["properties"] == ["hs_pipeline_stage"]
    one["properties"]["hs_pipeline_stage"] = "1"
    assert tickets("POST", path, {"inputs": [one]}).status == 200
    del one["properties"]["hs_pipeline_stage"]
    assert tickets("POST", path, {"inputs": [one]}).status == 200


# -- shapes that are not a batch -----------------------------------------------------------------


@pytest.mark.parametrize(
    "one",
    [
        "text",
        None,
        [],
        {},
        {"id": "a@b.co", "idProperty": "email"},
        {"id": "", "idProperty": "email", "properties": {}},
        {"id": " ", "idProperty": "email", "properties": {}},
        {"id": None, "idProperty": "email", "properties": {}},
        {"id": True, "idProperty": "email", "properties": {}},
        {"id": ["a@b.co"], "idProperty": "email", "properties": {}},
        {"id": "a@b.co", "idProperty": 1, "properties": {}},
        {"id": "a@b.co", "idproperty": "email", "properties": {}},
        {"id": "a@b.co", "idProperty": "email", "properties": []},
        {"id": "a@b.co", "idProperty": "email", "properties": {"firstname": None}},
        {"id": "a@b.co", "idProperty": "email", "properties": {"firstname": ["x"]}},
        {"id": "a@b.co", "idProperty": "email", "properties": {"firstname": {"x": 1}}},
        {"id": "a@b.co", "idProperty": "email", "properties": {}, "objectWriteTraceId": 1},
        {"id": "a@b.co", "idProperty": "email", "properties": {}, "unknown": 1},
    ],
)
def test_an_input_of_another_shape_fails_the_whole_batch(
    account: Make, contact: Contact, one: Any
) -> None:
    reply = account("POST", UPSERT, {"inputs": [contact("ok@b.co", "1"), one]})
    assert (reply.status, reply.body["category"]) == (400, "VALIDATION_ERROR")
    assert values(account) == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"{}", b'{"inputs":[]}', b'{"inputs":{}}', b'{"inputs":1}']
)
def test_a_body_of_another_shape_is_refused(account: Make, body: bytes) -> None:
    assert account("POST", UPSERT, body).status == 400


def test_another_content_type_is_refused(account: Make, contact: Contact) -> None:
    body = {"inputs": [contact("a@b.co")]}
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert account("POST", UPSERT, body, {"content-type": kind}).status == 415
    charset = {"content-type": "Application/JSON; charset=utf-8"}
    assert account("POST", UPSERT, body, charset).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/crm/v3/objects/dragons/batch/upsert"),
        ("POST", "/crm/v3/objects/contacts/batch/merge"),
        ("PUT", "/crm/v3/objects/contacts/batch/upsert"),
        ("POST", "/crm/v4/objects/contacts/batch/upsert"),
        ("GET", "/crm/v3/objects/dragons"),
    ],
)
def test_what_is_not_there_is_a_404(
    account: Make, contact: Contact, method: str, path: str
) -> None:
    reply = account(method, path, {"inputs": [contact("a@b.co")]})
    assert (reply.status, reply.body["category"]) == (404, "OBJECT_NOT_FOUND")


# -- create, update, archive, read ---------------------------------------------------------------


@pytest.mark.parametrize("traces", [True, False])
def test_creating_an_email_that_exists_fails_the_whole_batch(
    account: Make, contact: Contact, traces: bool
) -> None:
    account("POST", UPSERT, {"inputs": [contact("a@b.co")]})
    inputs: list[dict[str, Any]] = [
        {"properties": {"email": email}} for email in ("new@b.co", "A@b.co", "other@b.co")
    ]
    if traces:
        inputs = [{**one, "objectWriteTraceId": str(at)} for at, one in enumerate(inputs)]
    reply = account("POST", CREATE, {"inputs": inputs})
    assert (reply.status, reply.body["category"]) == (409, "CONFLICT")
    assert reply.body["message"] == "Contact already exists. Existing ID: 20000000001"
    assert len(values(account)) == 1


def test_creating_one_email_twice_in_a_batch_conflicts(account: Make) -> None:
    inputs = [{"properties": {"email": "a@b.co"}}, {"properties": {"email": "a@b.co"}}]
    assert account("POST", CREATE, {"inputs": inputs}).status == 409
    assert values(account) == []


def test_create_answers_201_and_needs_no_email(account: Make) -> None:
    reply = account("POST", CREATE, {"inputs": [{"properties": {"firstname": "Ada"}}] * 2})
    assert reply.status == 201
    assert [one["firstname"] for one in values(account)] == ["Ada", "Ada"]
    assert "new" not in reply.body["results"][0]


def test_an_upsert_may_not_take_the_email_of_another_record(
    account: Make, contact: Contact
) -> None:
    account("POST", UPSERT, {"inputs": [contact("a@b.co"), contact("b@b.co")]})
    reply = account("POST", UPSERT, {"inputs": [contact("a@b.co", email="b@b.co")]})
    assert reply.status == 409
    assert [one["email"] for one in values(account)] == ["a@b.co", "b@b.co"]


def test_two_upserts_may_not_both_make_one_email(account: Make) -> None:
    inputs = [
        {"id": key, "idProperty": "ext_id", "properties": {"email": "a@b.co"}} for key in "xy"
    ]
    assert account("POST", UPSERT, {"inputs": inputs}).status == 409
    assert values(account) == []


def test_update_takes_record_ids_and_unique_values(account: Make, contact: Contact) -> None:
    made = account("POST", UPSERT, {"inputs": [contact("a@b.co")]}).body["results"][0]
    by_id = {"id": made["id"], "properties": {"firstname": "Ada"}}
    by_email = {"id": "A@b.co", "idProperty": "email", "properties": {"lastname": "L"}}
    assert account("POST", UPDATE, {"inputs": [by_id]}).status == 200
    assert account("POST", UPDATE, {"inputs": [by_email]}).status == 200
    assert values(account) == [{"email": "a@b.co", "firstname": "Ada", "lastname": "L"}]


def test_update_never_creates_and_lists_what_is_missing(account: Make, contact: Contact) -> None:
    account("POST", UPSERT, {"inputs": [contact("a@b.co")]})
    inputs = [contact("a@b.co", "1"), contact("x@b.co", "2"), contact("y@b.co", "3")]
    reply = account("POST", UPDATE, {"inputs": inputs})
    assert (reply.status, len(reply.body["results"])) == (207, 1)
    (error,) = reply.body["errors"]
    assert error["category"] == "OBJECT_NOT_FOUND"
    assert error["context"] == {"ids": ["x@b.co", "y@b.co"], "objectWriteTraceId": ["2", "3"]}
    assert len(values(account)) == 1


def test_archive_is_soft_repeatable_and_frees_the_email(account: Make, contact: Contact) -> None:
    made = account("POST", UPSERT, {"inputs": [contact("a@b.co")]}).body["results"][0]
    for _ in range(2):
        reply = account("POST", ARCHIVE, {"inputs": [{"id": made["id"]}, {"id": "1"}]})
        assert (reply.status, reply.body) == (204, None)
    assert values(account) == []
    again = account("POST", UPSERT, {"inputs": [contact("a@b.co")]}).body["results"][0]
    assert again["new"] is True
    assert again["id"] != made["id"]


def test_archive_takes_unique_values_too(account: Make, contact: Contact) -> None:
    account("POST", UPSERT, {"inputs": [contact("a@b.co")]})
    one = {"id": "A@B.co", "idProperty": "email"}
    assert account("POST", ARCHIVE, {"inputs": [one]}).status == 204
    assert values(account) == []


def test_read_gives_the_properties_asked_for_and_names_the_missing(
    account: Make, contact: Contact
) -> None:
    account("POST", UPSERT, {"inputs": [contact("a@b.co", score=3)]})
    body = {
        "idProperty": "email",
        "properties": ["score", "segment"],
        "propertiesWithHistory": ["score", "segment"],
        "inputs": [{"id": "a@b.co"}, {"id": "x@b.co"}],
    }
    reply = account("POST", READ, body)
    assert reply.status == 207
    (result,) = reply.body["results"]
    assert result["properties"]["score"] == "3"
    assert result["properties"]["segment"] is None
    assert [one["value"] for one in result["propertiesWithHistory"]["score"]] == ["3"]
    assert reply.body["errors"][0]["context"] == {"ids": ["x@b.co"]}


@pytest.mark.parametrize(("history", "most"), [([], 100), (["score"], 50)])
def test_a_read_with_history_takes_half_as_many(
    account: Make, history: list[str], most: int
) -> None:
    def read(count: int) -> int:
        inputs = [{"id": str(n)} for n in range(count)]
        return int(
            account("POST", READ, {"inputs": inputs, "propertiesWithHistory": history}).status
        )

    assert read(most) == 207
    assert read(most + 1) == 400


def test_writes_are_counted_under_the_key_that_named_the_row(
    account: Make, contact: Contact
) -> None:
    account("POST", UPSERT, {"inputs": [contact("A@b.co"), contact("b@b.co")]})
    account("POST", UPSERT, {"inputs": [contact("a@b.co")]})
    account("POST", UPSERT, {"inputs": [contact("c@b.co", "1", score="x")]})
    assert account.vendor.collections()["contacts"].writes == {"a@b.co": 2, "b@b.co": 1}
