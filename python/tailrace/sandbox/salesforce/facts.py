"""Salesforce's numbers, objects and texts, so that a correction is one line here.

From the vendor's public guides to the REST API and Bulk API 2.0 and its list of limits; texts of
messages from answers that users have published. Not confirmed against a live account: that a field
which does not exist and a JSON value of the wrong kind fail a whole collections request (see the
option ``unreadable``), the largest JSON body, what a second upload and a job in the wrong state are
answered with, what becomes of the rows beyond the day's batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.sandbox.salesforce.fields import Field

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_VERSION, LAST_VERSION = 31, 67
COLLECTIONS_FROM, COLLECTION_UPSERT_FROM, INGEST_FROM, FAILED_IDS_FROM = 42, 46, 41, 53

MAX_ROWS = 200
MAX_CHUNKS = 10
"""Runs of one type in a request with records of several."""
MAX_READ_BY_URL, MAX_READ_BY_BODY = 800, 2000
MAX_JSON_BYTES = 6_000_000
MAX_URI = 16_384
MAX_SOQL = 100_000
MAX_IN = 4000
DEFAULT_PAGE, LEAST_PAGE = 2000, 200
OPEN_CURSORS = 10

MAX_FILE_BYTES = 150_000_000 * 3 // 4
"""Of a file of rows as it is sent; with base64 it has 150 MB."""
MAX_CELL, MAX_COLUMNS = 32_000, 5000
OPERATIONS: Mapping[str, str] = {
    "insert": "insert",
    "update": "update",
    "upsert": "upsert",
    "delete": "delete",
    "hardDelete": "delete",
}
"""Of jobs, each with its name in the log."""
DELETES = ("delete", "hardDelete")
BY_ID = ("update", *DELETES)
BATCH_ROWS, CHUNK_ROWS = 10_000, 200
"""Rows that are worked on together, and rows that are written in one transaction."""
MAX_BATCHES_A_DAY = 15_000
MAX_ROWS_A_DAY = 150_000_000
KEPT_JOBS = 1000
JOBS_A_PAGE = 1000

DAY_S = 86_400.0
CONCURRENT, LONG_S = 25, 20.0
"""Requests at once that have been running for so long; others do not count."""
SESSION_S = 7200.0

TIERS: Mapping[str, Mapping[str, int]] = {
    "developer": {"daily": 15_000, "concurrent": 5},
    "enterprise": {"daily": 100_000, "concurrent": CONCURRENT},
    "unlimited": {"daily": 500_000, "concurrent": CONCURRENT},
}
"""An edition's calls in 24 hours, without the ones that come with licences."""
DEFAULT_TIER = "enterprise"

ORG_ID = "00D5g00000000oREAQ"
USER_NUMBER = 1
LANGUAGE = "en_US"

EXTERNAL_ID = Field(
    "External_Id__c", label="External Id", length=80, external_id=True, id_lookup=True, unique=True
)
"""A field that every object of the sandbox has, so that a first try needs no configuration."""


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One object: its name, what its ids begin with, and the fields that every account has."""

    name: str
    prefix: str
    fields: tuple[Field, ...]
    label: str = ""
    plural: str = ""
    custom: bool = False


def _texts(length: int, names: str) -> tuple[Field, ...]:
    return tuple(Field(one, length=length) for one in names.split())


def _choice(name: str, values: str, *, default: str | None = None) -> Field:
    listed = tuple(values.split("|"))
    return Field(
        name,
        "picklist",
        length=255,
        values=listed,
        defaulted=default is not None,
        default=default,
        nillable=default is None,
    )


def _reference(name: str, *targets: str) -> Field:
    relationship = name.removesuffix("Id")
    return Field(name, "reference", length=18, reference_to=targets, relationship=relationship)


def _given(name: str, kind: str, *targets: str) -> Field:
    relationship = name.removesuffix("Id") if targets else ""
    return Field(
        name,
        kind,
        length=18 if kind in ("id", "reference") else 0,
        nillable=False,
        createable=False,
        updateable=False,
        defaulted=True,
        id_lookup=kind == "id",
        reference_to=targets,
        relationship=relationship,
    )


SYSTEM: tuple[Field, ...] = (
    _given("Id", "id"),
    _given("IsDeleted", "boolean"),
    _given("CreatedDate", "datetime"),
    _given("CreatedById", "reference", "User"),
    _given("LastModifiedDate", "datetime"),
    _given("LastModifiedById", "reference", "User"),
    _given("SystemModstamp", "datetime"),
)
OWNER = Field(
    "OwnerId",
    "reference",
    "Owner ID",
    18,
    nillable=False,
    defaulted=True,
    reference_to=("User",),
    relationship="Owner",
)


def _flag(name: str) -> Field:
    return Field(name, "boolean", nillable=False, defaulted=True, default=False)


def _name(name: str, label: str, length: int) -> Field:
    return Field(name, "string", label, length, nillable=False)


_ADDRESS = "{0}Street {0}City {0}State {0}PostalCode {0}Country"

ACCOUNT = ObjectType(
    "Account",
    "001",
    (
        _name("Name", "Account Name", 255),
        *_texts(40, "Fax AccountNumber TickerSymbol"),
        *_texts(80, "Site"),
        *_texts(255, _ADDRESS.format("Billing") + " " + _ADDRESS.format("Shipping")),
        Field("Phone", "phone", "Account Phone", 40),
        Field("Website", "url", length=255),
        Field("Description", "textarea", "Account Description", 32_000),
        Field("AnnualRevenue", "currency", "Annual Revenue", precision=18),
        Field("NumberOfEmployees", "int", "Employees", precision=8),
        _choice("Type", "Prospect|Customer - Direct|Customer - Channel|Partner|Other"),
        _choice("Industry", "Agriculture|Banking|Education|Energy|Finance|Retail|Technology|Other"),
        _choice("Rating", "Hot|Warm|Cold"),
        _reference("ParentId", "Account"),
        OWNER,
    ),
)

CONTACT = ObjectType(
    "Contact",
    "003",
    (
        _name("LastName", "Last Name", 80),
        *_texts(40, "FirstName"),
        *_texts(128, "Title"),
        *_texts(80, "Department"),
        *_texts(255, _ADDRESS.format("Mailing")),
        Field("Email", "email", length=80, id_lookup=True),
        Field("Phone", "phone", "Business Phone", 40),
        Field("MobilePhone", "phone", "Mobile Phone", 40),
        Field("Description", "textarea", "Contact Description", 32_000),
        Field("Birthdate", "date"),
        _choice("LeadSource", "Web|Phone Inquiry|Partner Referral|Purchased List|Other"),
        _flag("HasOptedOutOfEmail"),
        _reference("AccountId", "Account"),
        _reference("ReportsToId", "Contact"),
        OWNER,
    ),
)

LEAD = ObjectType(
    "Lead",
    "00Q",
    (
        _name("LastName", "Last Name", 80),
        _name("Company", "Company", 255),
        *_texts(40, "FirstName"),
        *_texts(128, "Title"),
        *_texts(255, "Street City State PostalCode Country"),
        Field("Email", "email", length=80, id_lookup=True),
        Field("Phone", "phone", length=40),
        Field("Website", "url", length=255),
        Field("AnnualRevenue", "currency", "Annual Revenue", precision=18),
        Field("NumberOfEmployees", "int", "No. of Employees", precision=8),
        _choice(
            "Status",
            "Open - Not Contacted|Working - Contacted|Closed - Converted|Closed - Not Converted",
            default="Open - Not Contacted",
        ),
        _choice("LeadSource", "Web|Phone Inquiry|Partner Referral|Purchased List|Other"),
        OWNER,
    ),
)

OPPORTUNITY = ObjectType(
    "Opportunity",
    "006",
    (
        _name("Name", "Name", 120),
        Field("CloseDate", "date", "Close Date", nillable=False),
        Field(
            "StageName",
            "picklist",
            "Stage",
            255,
            values=("Prospecting", "Qualification", "Negotiation", "Closed Won", "Closed Lost"),
            nillable=False,
        ),
        Field("Amount", "currency", precision=18, scale=2),
        Field("Probability", "percent", "Probability (%)", precision=3),
        Field("Description", "textarea", length=32_000),
        *_texts(255, "NextStep"),
        _reference("AccountId", "Account"),
        OWNER,
    ),
)

CASE = ObjectType(
    "Case",
    "500",
    (
        *_texts(255, "Subject"),
        Field("Description", "textarea", length=32_000),
        _choice("Status", "New|Working|Escalated|Closed", default="New"),
        _choice("Priority", "High|Medium|Low", default="Medium"),
        _choice("Origin", "Email|Phone|Web"),
        _reference("AccountId", "Account"),
        _reference("ContactId", "Contact"),
        OWNER,
    ),
)

TASK = ObjectType(
    "Task",
    "00T",
    (
        *_texts(255, "Subject"),
        Field("ActivityDate", "date", "Due Date Only"),
        Field("Description", "textarea", length=32_000),
        _choice("Status", "Not Started|In Progress|Completed", default="Not Started"),
        _choice("Priority", "High|Normal|Low", default="Normal"),
        _reference("WhatId", "Account", "Opportunity", "Case"),
        _reference("WhoId", "Contact", "Lead"),
        OWNER,
    ),
)

USER = ObjectType(
    "User",
    "005",
    (
        Field("Username", "string", length=80, nillable=False, id_lookup=True, unique=True),
        _name("LastName", "Last Name", 80),
        Field("Email", "email", length=128, nillable=False, id_lookup=True),
        *_texts(40, "FirstName"),
        _flag("IsActive"),
    ),
)

ORGANIZATION = ObjectType("Organization", ORG_ID[:3], (_name("Name", "Name", 80),))
"""The org itself: one record, which nobody writes."""

OBJECTS: tuple[ObjectType, ...] = (
    *(ACCOUNT, CONTACT, LEAD, OPPORTUNITY, CASE, TASK, USER),
    ORGANIZATION,
)


def custom_object(name: str, position: int) -> ObjectType:
    """An object that the account made itself; its fields are declared beside it."""
    name_field = Field("Name", "string", length=80, defaulted=True)
    return ObjectType(name, f"a{position:02d}", (name_field, OWNER), custom=True)


CHECK_SECURITY = (
    "Please check the security settings of this field and verify that it is read/write for your"
    " profile or permission set."
)
ROLLED_BACK = (
    "Record rolled back because not all records were valid and the request was using AllOrNone"
    " header"
)
REFUSED = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
"""The code of a row that an injected fault refuses, where the fault names none."""
NO_HARD_DELETE = (
    "FeatureNotEnabled : hardDelete operation requires special user profile permission, please"
    " contact your system administrator"
)
BATCHES_SPENT = "ExceededQuota : ApiBatchItems Limit exceeded."
EXPIRED = "Session expired or invalid"
TOO_MANY_CALLS = "TotalRequests Limit exceeded."
TOO_MANY_AT_ONCE = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
TOO_MANY_ROWS = "record limit reached. cannot submit more than 200 records into this call"
NO_EXTERNAL_ID = "Provided external ID field does not exist or is not accessible: "
CODES: Mapping[int, str] = {
    400: "MALFORMED_REQUEST",
    403: "INSUFFICIENT_ACCESS",
    404: "NOT_FOUND",
    409: "CONFLICT",
    413: "REQUEST_TOO_LARGE",
    414: "URI_TOO_LONG",
    500: "UNKNOWN_EXCEPTION",
    503: "SERVER_UNAVAILABLE",
}
