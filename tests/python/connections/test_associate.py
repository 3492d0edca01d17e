"""`associate`: what a destination says of it, and what becomes of it in the run spec."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.compile.fingerprint import mapping_fingerprint
from tailrace.connections.base import Wanted
from tailrace.connections.hubspot import HubSpotConnection
from tailrace.connections.klaviyo import KlaviyoConnection
from tailrace.connections.salesforce import SalesforceConnection
from tailrace.connections.zendesk import ZendeskConnection
from tailrace.spec.associate import Associate
from tailrace.spec.sync import Sync

URL = "http://127.0.0.1:1"
HUBSPOT = HubSpotConnection(type="hubspot", base_url=URL, auth={"token": "t"})
ZENDESK = ZendeskConnection(type="zendesk", base_url=URL, auth={"token": "t"})
SALESFORCE = SalesforceConnection(type="salesforce", base_url=URL, auth={"token": "t"})
KLAVIYO = KlaviyoConnection(type="klaviyo", base_url=URL, auth={"api_key": "k"})


def to(name: str, by: str = "key", **more: Any) -> Associate:
    return Associate(to=name, by=by, column="parent", **more)


PRIMARY = {"category": "HUBSPOT_DEFINED", "id": 1}
ORGANIZATIONS = to("organizations", "id")


@pytest.mark.parametrize(
    ("wanted", "destination"),
    [
        (Wanted("contacts", associate=to("companies")), HUBSPOT),
        (Wanted("contacts", "mirror", "delete", associate=to("companies", type=PRIMARY)), HUBSPOT),
        (Wanted("p1_cars", "update", associate=to("2-7")), HUBSPOT),
        (Wanted("users", "append", associate=ORGANIZATIONS), ZENDESK),
    ],
)
def test_links_that_are_made(wanted: Wanted, destination: Any) -> None:
    assert list(destination.refusals(wanted)) == []


@pytest.mark.parametrize(
    ("destination", "wanted", "path", "said"),
    [
        (
            HUBSPOT,
            Wanted("contacts", associate=to("a/b")),
            ("associate", "to"),
            "'a/b' is not the name of a HubSpot object",
        ),
        (
            HUBSPOT,
            Wanted("contacts", "append", associate=to("deals")),
            ("associate",),
            "contradicts mode: append",
        ),
        (
            KLAVIYO,
            Wanted("profiles", associate=to("b")),
            ("associate",),
            "not offered by destination klaviyo in this version; hubspot and zendesk (users) do it",
        ),
        (
            ZENDESK,
            Wanted("organizations", associate=to("users", "id")),
            ("associate",),
            "not offered by destination zendesk",
        ),
        (
            ZENDESK,
            Wanted("users", associate=to("groups", "id")),
            ("associate", "to"),
            "not into 'groups'",
        ),
        (
            ZENDESK,
            Wanted("users", associate=to("organizations", "name")),
            ("associate", "by"),
            "by external_id or id alone",
        ),
        (
            ZENDESK,
            Wanted("users", associate=to("organizations", "id", type=PRIMARY)),
            ("associate", "type"),
            "is HubSpot's",
        ),
        (
            ZENDESK,
            Wanted("users", associate=ORGANIZATIONS, fields=frozenset({"organization_id"})),
            ("fields", "organization_id"),
            "contradicts `associate`",
        ),
        (
            SALESFORCE,
            Wanted("Contact", associate=to("Account", "External_Id__c")),
            ("associate",),
            "as in fields: {Account.External_Id__c: parent}",
        ),
    ],
)
def test_links_that_are_not(
    destination: Any, wanted: Wanted, path: tuple[str, ...], said: str
) -> None:
    ((found, message),) = destination.refusals(wanted)
    assert found == path
    assert said in message


def sync(associate: Any = None, **fields: str) -> Sync:
    return Sync.model_validate(
        {
            "name": "people",
            "source": "warehouse",
            "model": {"table": "people"},
            "destination": "crm",
            "object": "contacts",
            "match": "email",
            "fields": {"email": "email", **fields},
            "associate": associate,
        }
    )


def fingerprint(associate: Any) -> str:
    return mapping_fingerprint(sync(associate), "hubspot", ("email",))


def test_what_is_linked_is_part_of_the_mapping_and_the_columns_name_is_not() -> None:
    link = {"to": "companies", "by": "key", "column": "parent"}
    changed = [
        None,
        link,
        {**link, "to": "deals"},
        {**link, "by": "other"},
        {**link, "type": PRIMARY},
        {**link, "type": {**PRIMARY, "id": 2}},
    ]
    assert len({fingerprint(one) for one in changed}) == len(changed)
    assert fingerprint({**link, "column": "renamed"}) == fingerprint(link)


def test_no_field_may_have_the_links_name() -> None:
    link = {"to": "companies", "by": "key", "column": "parent"}
    ((path, message),) = sync(link, **{"associate:companies": "x"}).contradictions()
    assert path == ("fields", "associate:companies")
    assert "in reports" in message
