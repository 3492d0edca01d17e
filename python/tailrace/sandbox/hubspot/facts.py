"""HubSpot's numbers, names and texts, so that a correction is one line here.

From the vendor's pages on usage guidelines, error handling and properties; texts of messages from
answers that users have published. Not confirmed against a live account: ``MAX_BODY_BYTES``, the
limits of the ``oauth`` tier, that a ticket needs its stage, the refusal of null, and in
what words an association is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.sandbox.fields import Field

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_INPUTS = 100
MAX_INPUTS_WITH_HISTORY = 50
MAX_LIST_PAGE = 100
DEFAULT_LIST_PAGE = 10
MAX_ASSOCIATIONS = 2000
MAX_ASSOCIATIONS_READ = 1000
MAX_BODY_BYTES = 3_000_000
MAX_MEMBERS = 100_000
MAX_MEMBERS_PAGE = 250
DEFAULT_MEMBERS_PAGE = 100
# Who says who is on a list: people; its filters, once; its filters, always.
PROCESSING = ("MANUAL", "SNAPSHOT", "DYNAMIC")
PORTAL_ID = 48_120_001
# Real ids do not fit into 32 bits, and clients should meet that here first.
FIRST_OBJECT_ID = 20_000_000_001

BURST_INTERVAL_MS = 10_000


@dataclass(frozen=True, slots=True)
class Tier:
    """Requests per ten seconds of one token, and per day of the account (None: no such limit)."""

    burst: int
    daily: int | None


TIERS: Mapping[str, Tier] = {
    "starter": Tier(100, 250_000),
    "professional": Tier(190, 650_000),
    "enterprise": Tier(190, 1_000_000),
    "oauth": Tier(110, None),
}
DEFAULT_TIER = "professional"


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One CRM object: its names, its number, and the properties that every account has."""

    name: str
    number: str
    singular: str
    properties: tuple[Field, ...]
    shown: tuple[str, ...]
    """What a read returns when no properties are asked for."""
    required: tuple[str, ...] = ()
    modified: str = "hs_lastmodifieddate"
    """The property that holds the time of the last change."""


def _fields(
    *,
    string: str = "",
    number: str = "",
    date: str = "",
    datetime: str = "",
    flag: str = "",
    enumerations: Mapping[str, str] | None = None,
) -> tuple[Field, ...]:
    kinds = {
        "string": string,
        "number": number,
        "date": date,
        "datetime": datetime,
        "bool": flag,
    }
    found = [
        Field(name, kind, defined_by_vendor=True)
        for kind, names in kinds.items()
        for name in names.split()
    ]
    for name, options in (enumerations or {}).items():
        found.append(
            Field(name, "enumeration", options=tuple(options.split()), defined_by_vendor=True)
        )
    return tuple(found)


def _read_only(modified: str) -> tuple[Field, ...]:
    return (
        Field("hs_object_id", "number", read_only=True, defined_by_vendor=True),
        Field("createdate", "datetime", read_only=True, defined_by_vendor=True),
        Field(modified, "datetime", read_only=True, defined_by_vendor=True),
    )


_STAGES = "subscriber lead marketingqualifiedlead salesqualifiedlead opportunity customer"

CONTACTS = ObjectType(
    "contacts",
    "0-1",
    "contact",
    (
        Field("email", "email", unique=True, defined_by_vendor=True),
        *_fields(
            string="firstname lastname phone mobilephone fax company jobtitle website address city"
            " state zip country industry salutation hubspot_owner_id message twitterhandle",
            number="annualrevenue numemployees hs_analytics_num_visits",
            date="date_of_birth start_date",
            datetime="closedate hs_latest_meeting_activity",
            flag="hs_email_optout",
            enumerations={
                "lifecyclestage": _STAGES + " evangelist other",
                "hs_lead_status": "NEW OPEN IN_PROGRESS OPEN_DEAL UNQUALIFIED"
                " ATTEMPTED_TO_CONTACT CONNECTED BAD_TIMING",
            },
        ),
        *_read_only("lastmodifieddate"),
    ),
    ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    modified="lastmodifieddate",
)

COMPANIES = ObjectType(
    "companies",
    "0-2",
    "company",
    (
        *_fields(
            string="name domain phone website address address2 city state zip country description"
            " industry timezone hubspot_owner_id linkedin_company_page about_us",
            number="annualrevenue numberofemployees founded_year",
            flag="is_public",
            enumerations={
                "lifecyclestage": _STAGES + " evangelist other",
                "type": "PROSPECT PARTNER RESELLER VENDOR OTHER",
            },
        ),
        *_read_only("hs_lastmodifieddate"),
    ),
    ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
)

DEALS = ObjectType(
    "deals",
    "0-3",
    "deal",
    (
        *_fields(
            string="dealname description hubspot_owner_id pipeline closed_lost_reason"
            " closed_won_reason deal_currency_code hs_next_step",
            number="amount hs_deal_stage_probability hs_forecast_amount",
            datetime="closedate",
            enumerations={
                "dealstage": "appointmentscheduled qualifiedtobuy presentationscheduled"
                " decisionmakerboughtin contractsent closedwon closedlost",
                "dealtype": "newbusiness existingbusiness",
                "hs_priority": "low medium high",
            },
        ),
        *_read_only("hs_lastmodifieddate"),
    ),
    (
        *("amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate"),
        *("hs_object_id", "pipeline"),
    ),
)

TICKETS = ObjectType(
    "tickets",
    "0-5",
    "ticket",
    (
        *_fields(
            string="subject content hs_pipeline hubspot_owner_id hs_resolution",
            datetime="closed_date",
            enumerations={
                "hs_pipeline_stage": "1 2 3 4",
                "hs_ticket_priority": "LOW MEDIUM HIGH URGENT",
                "hs_ticket_category": "PRODUCT_ISSUE BILLING_ISSUE FEATURE_REQUEST GENERAL_INQUIRY",
                "source_type": "CHAT EMAIL FORM PHONE",
            },
        ),
        *_read_only("hs_lastmodifieddate"),
    ),
    (
        *("content", "createdate", "hs_lastmodifieddate", "hs_object_id", "hs_pipeline"),
        *("hs_pipeline_stage", "hs_ticket_category", "hs_ticket_priority", "subject"),
    ),
    required=("hs_pipeline_stage",),
)

OBJECTS: tuple[ObjectType, ...] = (CONTACTS, COMPANIES, DEALS, TICKETS)


# By the names of two objects the numbers of their links in this direction: the default's, then
# that of the primary one where there is one.
ASSOCIATION_TYPES: Mapping[tuple[str, str], tuple[int, ...]] = {
    ("contacts", "companies"): (279, 1),
    ("companies", "contacts"): (280, 2),
    ("deals", "contacts"): (3,),
    ("contacts", "deals"): (4,),
    ("deals", "companies"): (341, 5),
    ("companies", "deals"): (342, 6),
    ("tickets", "contacts"): (16,),
    ("contacts", "tickets"): (15,),
    ("tickets", "companies"): (339, 26),
    ("companies", "tickets"): (340, 25),
    ("deals", "tickets"): (27,),
    ("tickets", "deals"): (28,),
    ("contacts", "contacts"): (449,),
    ("companies", "companies"): (450,),
    ("deals", "deals"): (451,),
    ("tickets", "tickets"): (452,),
}
PRIMARY = "Primary"
# Of the default between an account's own object and any other; each account has its own numbers.
CUSTOM_ASSOCIATION_TYPE = 901


def custom_object(name: str, position: int) -> ObjectType:
    """An object that the account made itself; its properties are declared beside it."""
    number = f"2-{900_000 + position}"
    shown = ("createdate", "hs_lastmodifieddate", "hs_object_id")
    return ObjectType(name, number, name, _read_only("hs_lastmodifieddate"), shown)


NO_LOGIN = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can"
    " find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
MISSING = (
    "Could not get some {} objects, they may be deleted or not exist. Check that ids are valid."
)
NOT_THERE = "resource not found"
NOT_UNIQUE = "Unable to perform update/upsert by non-unique {} property {}"

# The fieldTypes that a property of each type may be made with.
SHOWN_AS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"text", "textarea", "phonenumber", "html", "file"}),
    "number": frozenset({"number"}),
    "date": frozenset({"date"}),
    "datetime": frozenset({"date"}),
    "bool": frozenset({"booleancheckbox"}),
    "enumeration": frozenset({"select", "radio", "checkbox", "booleancheckbox"}),
}
# Groups that properties of the standard objects stand in; a custom object's are not held against.
GROUPS: Mapping[str, frozenset[str]] = {
    "contacts": frozenset({"contactinformation"}),
    "companies": frozenset({"companyinformation"}),
    "deals": frozenset({"dealinformation"}),
    "tickets": frozenset({"ticketinformation"}),
}

# The words that the answers of this vendor use for each property type.
FIELD_TYPES: Mapping[str, tuple[str, str]] = {
    "string": ("string", "text"),
    "email": ("string", "text"),
    "number": ("number", "number"),
    "date": ("date", "date"),
    "datetime": ("datetime", "date"),
    "bool": ("bool", "booleancheckbox"),
    "enumeration": ("enumeration", "select"),
}
