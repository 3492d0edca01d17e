"""Klaviyo's numbers, names and texts, so that a correction is one line here.

From the vendor's OpenAPI description (revision 2026-07-15), its guides, and answers that users have
published. Not confirmed against a live account: the form of the rate headers, how many values
``any`` takes, whether a bulk request names all of its bad profiles at once, what an import says of
profiles whose identifiers belong to several others, the status of a body that is too large, what an
account tells of itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PROFILES = 10_000
MAX_PROFILE_BYTES = 100_000
MAX_BODY_BYTES = 5_000_000
MAX_MEMBERS = 1000
MAX_EVENTS = 1000
MAX_EVENT_PROPERTIES = 400
MAX_METRIC = 127
MAX_TEXT_BYTES = 100_000
MAX_ANY = 100
MAX_DEPTH = 10
JOB_KEPT_S = 7 * 86_400.0
KEPT_JOBS = 1000
EARLIEST_EVENT = "1990"
YEAR_MS = 366 * 86_400_000
DEFAULT_LISTS = ("Sandbox List",)
DEFAULT_ACCOUNT = "SANDBX"

CONTENT_TYPES = ("application/vnd.api+json", "application/json")
ANSWER_TYPE = "application/vnd.api+json"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often an endpoint may be called in a second, in a minute, in a day."""

    burst: int
    steady: int
    daily: int | None = None


SLOWEST = Pace(1, 15)
SLOW = Pace(3, 60)
MIDDLE = Pace(10, 150)
NEW_LIST = Pace(10, 150, 150)
FAST = Pace(75, 750)
FASTEST = Pace(350, 3500)

IDENTIFIERS = ("email", "phone_number", "external_id")
FOLDED = ("email",)
TEXTS = (
    *("email", "phone_number", "external_id", "_kx", "first_name", "last_name", "organization"),
    *("locale", "title", "image"),
)
LOCATION_TEXTS = ("address1", "address2", "city", "country", "region", "zip", "timezone", "ip")
LOCATION_NUMBERS = ("latitude", "longitude")
STRUCTURES = ("location", "properties")
EVENT_ATTRIBUTES = (
    *("properties", "time", "value", "value_currency", "unique_id", "backfill", "metric"),
    "profile",
)
OPT_IN = ("single_opt_in", "double_opt_in")

BAD_PHONE = "Invalid phone number format (Example of a valid format: +12345678901)"
TITLES: Mapping[str, str] = {
    "invalid": "Invalid input.",
    "not_found": "Not found.",
    "duplicate_profile": "Conflict.",
    "authentication_failed": "Incorrect authentication credentials.",
    "not_authenticated": "Authentication credentials were not provided.",
    "permission_denied": "You do not have permission to perform this action.",
    "method_not_allowed": "Method not allowed.",
    "unsupported_media_type": "Unsupported media type.",
    "payload_too_large": "Payload too large.",
    "parse_error": "Malformed request.",
    "throttled": "Request was throttled.",
    "error": "A server error occurred.",
}
BY_STATUS: Mapping[int, str] = {
    400: "invalid",
    401: "authentication_failed",
    403: "permission_denied",
    404: "not_found",
    409: "duplicate_profile",
    413: "payload_too_large",
    415: "unsupported_media_type",
    429: "throttled",
}
