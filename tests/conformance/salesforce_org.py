"""The org that the tests of jsforce use, and what its records hold afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tailrace.sandbox import Sandbox

OAUTH = {"client_id": "app", "client_secret": "s3cret", "refresh_token": "first"}
FIELDS = {
    "Account": {
        "Ext__c": {"external_id": True, "unique": True, "length": 40},
        "Score__c": "double",
        "Segment__c": {"type": "picklist", "values": ["low", "high"]},
        "Loose__c": {"external_id": True},
    }
}
APP = """
new library.Connection({
  loginUrl: url,
  version: "60.0",
  oauth2: {clientId: "app", clientSecret: secret, loginUrl: url},
})
"""


def options(**more: Any) -> dict[str, Any]:
    """The configuration of a sandbox with this org."""
    return {"vendors": {"salesforce": {"oauth": OAUTH, "fields": FIELDS, **more}}}


def stored(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """The values of the accounts by their external id."""
    accounts = sandbox.records("salesforce", "Account")
    return {str(one["values"].get("Ext__c")): one["values"] for one in accounts}
