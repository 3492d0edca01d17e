"""HubSpot's own Python client links records in the sandbox, and is told what it asks for."""

from __future__ import annotations

import json
from typing import Any

import hubspot
import pytest
from hubspot.crm import companies, contacts
from hubspot.crm.associations import v4

BILLING = {"from": "contacts", "to": "companies", "id": 36, "label": "Billing"}
START = {
    "vendors": {"hubspot": {"tokens": ["pat-1"], "limits": "none", "association_labels": [BILLING]}}
}


@pytest.fixture
def crm(start: Any) -> Any:
    sandbox, _ = start(START)
    return Crm(sandbox)


class Crm:
    """An account with two contacts and two companies."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        crm = hubspot.Client.create(access_token="pat-1").crm
        # Each look at the client gives another of these.
        self.contact_api, company_api = crm.contacts.batch_api, crm.companies.batch_api
        self.batch, self.basic = crm.associations.v4.batch_api, crm.associations.v4.basic_api
        for api in (self.contact_api, company_api, self.batch, self.basic):
            api.api_client.configuration.host = sandbox.url
        self.contacts = self.made(self.contact_api, contacts, "email", "@example.com")
        self.companies = self.made(company_api, companies, "name", "")

    @staticmethod
    def made(api: Any, kind: Any, field: str, end: str) -> list[str]:
        inputs = [
            kind.SimplePublicObjectBatchInputForCreate(properties={field: f"r{n}{end}"})
            for n in range(2)
        ]
        body = kind.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs)
        name = "batch_input_simple_public_object_batch_input_for_create"
        return sorted(one.id for one in api.create(**{name: body}).results)

    def link(self, *pairs: tuple[str, str]) -> Any:
        inputs = [
            v4.PublicDefaultAssociationMultiPost(
                _from=v4.PublicObjectId(id=one), to=v4.PublicObjectId(id=two)
            )
            for one, two in pairs
        ]
        body = v4.BatchInputPublicDefaultAssociationMultiPost(inputs=inputs)
        return self.batch.create_default("contacts", "companies", body)

    def label(self, number: int, *pairs: tuple[str, str], category: str = "USER_DEFINED") -> Any:
        kind = v4.AssociationSpec(association_category=category, association_type_id=number)
        inputs = [
            v4.PublicAssociationMultiPost(
                _from=v4.PublicObjectId(id=one), to=v4.PublicObjectId(id=two), types=[kind]
            )
            for one, two in pairs
        ]
        body = v4.BatchInputPublicAssociationMultiPost(inputs=inputs)
        return self.batch.create("contacts", "companies", body)

    def links(self) -> set[tuple[str, str]]:
        held = self.sandbox.records("hubspot", "associations")
        return {(one["values"]["from_id"], one["values"]["to_id"]) for one in held}


def test_the_default_link_is_told_in_both_directions(crm: Crm) -> None:
    (one, two), (first, second) = crm.contacts, crm.companies
    answer = crm.link((one, first), (two, second))
    assert isinstance(answer, v4.BatchResponsePublicDefaultAssociation)
    assert (answer.status, answer.num_errors) == ("COMPLETE", None)
    told = {
        (made._from.id, made.to.id, made.association_spec.association_type_id)
        for made in answer.results
    }
    forth = {(one, first, 279), (two, second, 279)}
    assert told == forth | {(first, one, 280), (second, two, 280)}
    assert crm.links() == {(one, first), (two, second)}
    crm.link((one, first))
    assert len(crm.links()) == 2, "linking again changes nothing"


def test_a_label_is_a_kind_of_its_own_beside_the_default(crm: Crm) -> None:
    one, first = crm.contacts[0], crm.companies[0]
    answer = crm.label(36, (one, first))
    assert isinstance(answer, v4.BatchResponseLabelsBetweenObjectPair)
    (made,) = answer.results
    assert (made.from_object_id, made.to_object_id, made.labels) == (one, first, ["Billing"])
    assert (made.from_object_type_id, made.to_object_type_id) == ("0-1", "0-2")
    page = crm.basic.get_page("contacts", one, "companies")
    (linked,) = page.results
    assert str(linked.to_object_id) == first
    assert {(kind.type_id, kind.label) for kind in linked.association_types} == {
        (279, None),
        (36, "Billing"),
    }
    back = crm.basic.get_page("companies", first, "contacts")
    assert [str(one.to_object_id) for one in back.results] == [crm.contacts[0]]


def test_records_that_are_not_there_fail_by_themselves(crm: Crm) -> None:
    (one, two), (first, _) = crm.contacts, crm.companies
    answer = crm.link((one, first), (two, "999"), ("998", first))
    assert {made.to.id for made in answer.results if made._from.id == one} == {first}
    assert answer.num_errors == 2
    assert {json.dumps(error.context, sort_keys=True) for error in answer.errors} == {
        json.dumps({"fromObjectId": [two], "toObjectId": ["999"]}),
        json.dumps({"fromObjectId": ["998"]}),
    }
    assert {error.category for error in answer.errors} == {"OBJECT_NOT_FOUND"}
    answer = crm.label(36, (two, first), (two, "999"))
    assert isinstance(answer, v4.BatchResponseLabelsBetweenObjectPairWithErrors)
    assert crm.links() == {(one, first), (two, first)}


@pytest.mark.parametrize(("number", "category"), [(37, "USER_DEFINED"), (280, "HUBSPOT_DEFINED")])
def test_a_kind_that_is_not_of_these_objects_refuses_all(
    crm: Crm, number: int, category: str
) -> None:
    pairs = list(zip(crm.contacts, crm.companies, strict=True))
    with pytest.raises(v4.ApiException) as refused:
        crm.label(number, *pairs, category=category)
    assert refused.value.status == 400
    assert "invalid association type" in refused.value.body
    assert crm.links() == set()


def test_an_object_that_is_not_there_and_too_many_inputs_are_refused(crm: Crm) -> None:
    pair = (crm.contacts[0], crm.companies[0])
    with pytest.raises(v4.ApiException) as refused:
        crm.link(*[pair] * 2001)
    assert "supported in a batch request is 2000" in refused.value.body
    inputs = v4.BatchInputPublicDefaultAssociationMultiPost(inputs=[])
    with pytest.raises(v4.ApiException, match="Unable to infer object type"):
        crm.batch.create_default("contacts", "companys", inputs)


def test_a_link_goes_with_its_record_or_by_itself(crm: Crm) -> None:
    (one, two), (first, second) = crm.contacts, crm.companies
    crm.link((one, first), (two, second))
    body = v4.BatchInputPublicAssociationMultiArchive(
        inputs=[
            v4.PublicAssociationMultiArchive(
                _from=v4.PublicObjectId(id=one), to=[v4.PublicObjectId(id=first)]
            )
        ]
    )
    crm.batch.archive("contacts", "companies", body)
    assert crm.links() == {(two, second)}
    ids = contacts.BatchInputSimplePublicObjectId(inputs=[contacts.SimplePublicObjectId(id=two)])
    crm.contact_api.archive(batch_input_simple_public_object_id=ids)
    assert crm.links() == set()


def test_links_of_many_records_are_read_at_once(crm: Crm) -> None:
    (one, two), (first, _) = crm.contacts, crm.companies
    crm.link((one, first))
    asked = v4.BatchInputPublicFetchAssociationsBatchRequest(
        inputs=[v4.PublicFetchAssociationsBatchRequest(id=each) for each in (one, two)]
    )
    answer = crm.batch.get_page("contacts", "companies", asked)
    (found,) = answer.results
    assert (found._from.id, [str(each.to_object_id) for each in found.to]) == (one, [first])
