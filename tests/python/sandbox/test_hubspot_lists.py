"""Lists of HubSpot's sandbox, by HubSpot's own client for Python and by what it refuses."""

from __future__ import annotations

from typing import Any

import hubspot
import pytest
from hubspot.crm import lists, properties

START = {
    "vendors": {
        "hubspot": {
            "tokens": ["pat-1"],
            "limits": "none",
            "lists": {"vip": None, "dynamic": {"processing": "DYNAMIC"}},
        }
    }
}


class Account:
    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        self.client = hubspot.Client.create(access_token="pat-1")
        self.lists = self._at(self.client.crm.lists.lists_api)
        self.memberships = self._at(self.client.crm.lists.memberships_api)
        self.properties = self._at(self.client.crm.properties.core_api)

    def _at(self, api: Any) -> Any:
        api.api_client.configuration.host = self.sandbox.url
        return api

    def contacts(self, count: int) -> list[str]:
        from hubspot.crm import contacts

        api = self._at(self.client.crm.contacts.batch_api)
        inputs = [
            contacts.SimplePublicObjectBatchInputForCreate(
                associations=[], properties={"email": f"u{n}@example.com"}
            )
            for n in range(count)
        ]
        made = api.create(contacts.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))
        return sorted(one.id for one in made.results)

    def change(self, add: list[str], remove: list[str], number: str = "1") -> Any:
        asked = lists.MembershipChangeRequest(record_ids_to_add=add, record_ids_to_remove=remove)
        return self.memberships.add_and_remove(list_id=number, membership_change_request=asked)


@pytest.fixture
def account(start: Any) -> Account:
    sandbox, _ = start(START)
    return Account(sandbox)


def test_the_client_reads_what_a_list_is(account: Account) -> None:
    found = account.lists.get_by_id(list_id="1").list
    assert (found.list_id, found.name) == ("1", "vip")
    assert (found.object_type_id, found.processing_type) == ("0-1", "MANUAL")
    with pytest.raises(lists.ApiException) as refused:
        account.lists.get_by_id(list_id="77")
    assert refused.value.status == 404


def test_members_come_go_and_are_told(account: Account) -> None:
    ids = account.contacts(5)
    answer = account.change(ids[:3], [])
    assert sorted(answer.records_ids_added) == ids[:3]
    assert (answer.record_ids_removed, answer.record_ids_missing) == ([], [])
    answer = account.change([ids[2], ids[3], "99"], [ids[0], ids[4]])
    assert answer.records_ids_added == [ids[3]]
    assert answer.record_ids_removed == [ids[0]]
    assert sorted(answer.record_ids_missing) == sorted([ids[2], ids[4], "99"])
    page = account.memberships.get_page(list_id="1", limit=2)
    assert [one.record_id for one in page.results] == [ids[1], ids[2]]
    rest = account.memberships.get_page(list_id="1", limit=2, after=page.paging.next.after)
    assert [one.record_id for one in rest.results] == [ids[3]]
    assert rest.paging is None


def test_add_and_remove_have_addresses_of_their_own(account: Account) -> None:
    ids = account.contacts(2)
    assert account.memberships.add(list_id="1", request_body=ids).record_ids_missing == []
    answer = account.memberships.remove(list_id="1", request_body=[ids[0]])
    assert answer.record_ids_removed == [ids[0]]


def test_nobody_is_put_on_a_dynamic_list(account: Account) -> None:
    ids = account.contacts(1)
    with pytest.raises(lists.ApiException) as refused:
        account.change(ids, [], number="2")
    assert refused.value.status == 400
    assert "DYNAMIC" in refused.value.body


def test_an_archived_contact_is_on_no_list(account: Account) -> None:
    from hubspot.crm import contacts

    ids = account.contacts(2)
    account.change(ids, [])
    api = account._at(account.client.crm.contacts.batch_api)
    one = contacts.SimplePublicObjectId(id=ids[0])
    api.archive(contacts.BatchInputSimplePublicObjectId(inputs=[one]))
    page = account.memberships.get_page(list_id="1")
    assert [one.record_id for one in page.results] == [ids[1]]
    assert account.change([], ids).record_ids_missing == [ids[0]]


def test_the_client_makes_a_list(account: Account) -> None:
    asked = lists.ListCreateRequest(object_type_id="0-2", processing_type="MANUAL", name="shops")
    made = account.lists.create(list_create_request=asked).list
    assert account.lists.get_by_id(list_id=made.list_id).list.object_type_id == "0-2"


@pytest.mark.parametrize("ids", [["x"], [None], "17", [{"id": 1}]])
def test_ids_are_numbers(account: Account, ids: Any) -> None:
    with pytest.raises(lists.ApiException) as refused:
        account.memberships.add(list_id="1", request_body=ids)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"group_name": "nowhere"}, "no property group"),
        ({"field_type": "text"}, "does not go with type"),
        ({"type": "bool", "field_type": "booleancheckbox"}, "options true and false"),
        ({"type": "date", "field_type": "date", "has_unique_value": True}, "unique values"),
    ],
)
def test_a_property_that_cannot_be_is_not_made(
    account: Account, changes: dict[str, Any], said: str
) -> None:
    asked = {
        "name": "risk",
        "label": "Risk",
        "type": "number",
        "field_type": "number",
        "group_name": "contactinformation",
        **changes,
    }
    new = properties.PropertyCreate(**asked)
    with pytest.raises(properties.ApiException) as refused:
        account.properties.create(object_type="contacts", property_create=new)
    assert refused.value.status == 400
    assert said in refused.value.body
