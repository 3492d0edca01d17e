"""Intercom's numbers, names and texts, so that a correction is one line here.

From the vendor's OpenAPI description (version 2.16) and its public pages. Not confirmed against a
live workspace: the words and codes of most errors, how attributes that do not exist are refused,
that one address belongs to one user, how attributes are cleared, how many values IN takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT, WINDOW_S = 1667, 10.0
"""10,000 requests in a minute, counted by ten seconds."""
MAX_BODY_BYTES = 1_000_000
MAX_PAGE = 150
DEFAULT_PAGE = 50
MAX_FILTERS = 15
MAX_VALUES = 150
MAX_SPEND = 2**31 - 1

ROLES = ("user", "lead")
CONTACT: Mapping[str, str] = {
    **dict.fromkeys(("role", "external_id", "email", "phone", "name", "avatar"), "string"),
    **dict.fromkeys(("signed_up_at", "last_seen_at"), "date"),
    **dict.fromkeys(("email_verified", "unsubscribed_from_emails"), "boolean"),
    "owner_id": "string",
    "custom_attributes": "object",
}
UNSHOWN = ("email_verified", "avatar", "custom_attributes")
"""What a contact does not show, or in another form than it was written in."""
COMPANY: Mapping[str, str] = {
    **dict.fromkeys(("name", "company_id", "plan", "website", "industry"), "string"),
    **dict.fromkeys(("size", "monthly_spend"), "number"),
    "remote_created_at": "date",
    "update_last_request_at": "boolean",
    "custom_attributes": "object",
}
MODELS = ("contact", "company")
DATA_TYPES = ("string", "integer", "float", "boolean", "date", "datetime", "options")
CODES: Mapping[int, str] = {
    400: "parameter_invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    413: "request_too_large",
    415: "media_type_not_acceptable",
    422: "unprocessable_entity",
    429: "rate_limit_exceeded",
    500: "server_error",
    503: "service_unavailable",
}
