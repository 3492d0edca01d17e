"""Marketo's numbers, names and texts, so that a correction is one line here.

From the vendor's public documentation of the REST API and its Swagger files. Not confirmed against
a live instance: the words of most reasons, which code a value that is too long or a request of too
many rows gets, that a request of two rows of one key makes two leads, what a bulk import does
with an unknown column, with empty cells and with values of a wrong type, and whether a megabyte is
1,000,000 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ROWS = 300
MAX_PAGE = 300
MAX_VALUES = 300
MAX_FOUND = 1000
MAX_BODY_BYTES = 1_000_000
MAX_FILE_BYTES = 10_000_000
MAX_TARGET_BYTES = 8192
TOKEN_S = 3600.0

IMPORTS_AT_ONCE = 2
IMPORTS_QUEUED = 10
"""With those that are being worked on."""
KEPT_IMPORTS = 1000
IMPORT_KEPT_S = 7 * 86_400.0
FAILURE_COLUMN = "Import Failure Reason"
WARNING_COLUMN = "Import Warning Reason"
DELIMITERS: Mapping[str, str] = {"csv": ",", "tsv": "\t", "ssv": ";"}
NULL_CELL = "NULL"

# Real instances count their leads and lists from far above 1.
FIRST_LEAD = 1_000_001
FIRST_LIST = 1001
FIRST_IMPORT = 3001
DEFAULT_LISTS = ("Sandbox List",)
DEFAULT_PARTITIONS = ("Default",)

LIMITS: Mapping[str, Mapping[str, int]] = {
    "standard": {"max": 100, "interval_ms": 20_000, "concurrent": 10, "daily": 50_000}
}
DEFAULT_LIMITS = "standard"
DAY_BEGINS_MS = 6 * 3_600_000
"""The day of the quota begins at midnight of Central Standard Time."""

ACTIONS = ("createOrUpdate", "createOnly", "updateOnly", "createDuplicate")
SYNC_MEMBERS = frozenset({"action", "lookupField", "input", "partitionName", "asyncProcessing"})

MESSAGES: Mapping[str, str] = {
    "600": "Empty access token",
    "601": "Access token invalid",
    "602": "Access token expired",
    "603": "Access denied",
    "604": "Request timed out",
    "605": "Unsupported HTTP method",
    "607": "Daily quota reached",
    "608": "API Temporarily Unavailable",
    "609": "Invalid JSON",
    "610": "Requested resource not found",
    "611": "System error",
    "612": "Invalid Content Type",
    "613": "Invalid Multipart Request",
    "614": "Invalid Subscription",
    "615": "Concurrent access limit reached",
    "713": "Transient Error",
    "1004": "Lead not found",
    "1005": "Lead already exists",
    "1007": "Multiple leads match the lookup criteria",
    "1013": "Object not found",
    "1015": "Lead not in list",
    "1016": "Too many imports",
    "1017": "Object already exists",
    "1019": "Import in progress",
    "1021": "Company update not allowed",
    "1036": "Duplicate object found in input",
}
BY_STATUS: Mapping[int, str] = {401: "602", 403: "603", 404: "610", 429: "606"}
"""What a refusal that other vendors tell by its status is here, in an answer with status 200."""

DATA_TYPES = (
    *("string", "text", "email", "phone", "url", "reference", "integer", "percent", "score"),
    *("float", "currency", "boolean", "date", "datetime"),
)
TEXTS = frozenset({"string", "text", "email", "phone", "url", "reference"})
LENGTHS: Mapping[str, int] = {
    "text": 30_000,
    **dict.fromkeys(("string", "email", "phone", "url", "reference"), 255),
}
"""In characters, of text in bytes."""
SEARCHABLE_TYPES = frozenset({"string", "email", "integer"})
"""Of custom fields."""
SEARCHABLE = (
    *("id", "email", "cookies", "twitterId", "facebookId", "linkedInId", "sfdcAccountId"),
    *("sfdcContactId", "sfdcLeadId", "sfdcLeadOwnerId", "sfdcOpptyId", "leadPartitionId"),
    *("externalCompanyId", "externalSalesPersonId"),
)
SHOWN = ("id", "email", "firstName", "lastName", "createdAt", "updatedAt")


@dataclass(frozen=True, slots=True)
class Standard:
    """Fields that every instance has: of one type, named ``name=Display Name``."""

    data_type: str
    names: str
    read_only: bool = False
    company: bool = False


STANDARD: tuple[Standard, ...] = (
    Standard("integer", "id=Id;leadPartitionId=Lead Partition Id", read_only=True),
    Standard("email", "email=Email Address"),
    Standard(
        "string",
        "firstName=First Name;middleName=Middle Name;lastName=Last Name;salutation=Salutation"
        ";title=Job Title;department=Department;address=Address;city=City;state=State"
        ";country=Country;postalCode=Postal Code;leadSource=Lead Source;leadStatus=Lead Status"
        ";rating=Lead Rating;externalCompanyId=External Company Id"
        ";externalSalesPersonId=External Sales Person Id;facebookId=Facebook Id"
        ";linkedInId=LinkedIn Id;twitterId=Twitter Id;unsubscribedReason=Unsubscribed Reason"
        ";cookies=Cookies",
    ),
    Standard("phone", "phone=Phone Number;mobilePhone=Mobile Phone Number;fax=Fax Number"),
    Standard("date", "dateOfBirth=Date of Birth"),
    Standard("boolean", "unsubscribed=Unsubscribed;emailInvalid=Email Invalid"),
    Standard("boolean", "doNotCall=Do Not Call"),
    Standard("score", "leadScore=Lead Score;priority=Priority;urgency=Urgency"),
    Standard("string", "personSource=Person Source"),
    Standard(
        "string",
        "sfdcAccountId=SFDC Account Id;sfdcContactId=SFDC Contact Id;sfdcLeadId=SFDC Lead Id"
        ";sfdcLeadOwnerId=SFDC Lead Owner Id;sfdcOpptyId=SFDC Opportunity Id",
        read_only=True,
    ),
    Standard("datetime", "createdAt=Created At;updatedAt=Updated At", read_only=True),
    Standard(
        "string",
        "company=Company Name;industry=Industry;website=Website;mainPhone=Main Phone"
        ";sicCode=SIC Code;site=Site;billingCity=Billing City;billingCountry=Billing Country"
        ";billingState=Billing State;billingStreet=Billing Street"
        ";billingPostalCode=Billing Postal Code",
        company=True,
    ),
    Standard("integer", "numberOfEmployees=Num Employees", company=True),
    Standard("currency", "annualRevenue=Annual Revenue", company=True),
)
