"""One `tailrace sandbox` for several vendors, as a user starts it, and each vendor's client."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from node_client import Node

VENDORS = "salesforce,hubspot,zendesk"


@pytest.fixture
def url() -> Iterator[str]:
    command = [sys.executable, "-m", "tailrace.cli", "sandbox", "--vendors", VENDORS, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        told = process.stdout.readline()
        yield told[told.index("http://") :].split()[0].rstrip("/")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def objects(url: str, vendor: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/__state", timeout=20) as answer:
        told: dict[str, Any] = json.load(answer)["vendors"][vendor]["objects"]
    return told


def test_the_clients_of_three_vendors_share_a_sandbox(url: str, node: Node) -> None:
    made = "new library.Connection({instanceUrl: url, accessToken: 'any', version: '60.0'})"
    org = node.client("jsforce", made, url=url)
    account = {"External_Id__c": "a1", "Name": "Acme"}
    upsert = "return client.sobject('Account').upsert([account], 'External_Id__c')"
    assert org(upsert, account=account)[0]["created"] is True

    made = "new library.Client({accessToken: 'any', basePath: url})"
    portal = node.client("@hubspot/api-client", made, url=url)
    inputs = [{"id": "a@example.com", "idProperty": "email", "properties": {}}]
    upsert = "return client.crm.contacts.batchApi.upsert({inputs})"
    assert portal(upsert, inputs=inputs)["status"] == "COMPLETE"

    made = "library.createClient({username: 'a@acme.test', token: 'any', endpointUri})"
    desk = node.client("node-zendesk", made, endpointUri=f"{url}/api/v2")
    users = [{"external_id": "p1", "name": "Ann", "email": "ann@acme.test"}]
    upsert = "return (await client.users.createOrUpdateMany({users})).result.job_status.id"
    watch = "return client.jobstatuses.watch(id, 10, 5)"
    assert desk(watch, id=desk(upsert, users=users))["results"][0]["status"] == "Created"

    for vendor, name in (("salesforce", "Account"), ("hubspot", "contacts"), ("zendesk", "users")):
        assert objects(url, vendor)[name]["created"] == 1
