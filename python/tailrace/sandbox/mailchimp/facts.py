"""Mailchimp's numbers, names and texts, so that a correction is one line here.

From the vendor's client library, accounts of the vendor's pages by others, and answers that users
have published. Not confirmed against a live account: how unknown members and merge fields are
refused, whether requests of many members take ``status_if_new``, what becomes of two members of one
address in a batch, of a member without a status and of an address that is not the path's, the
largest body, how long the link to a batch's results is good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE = "/3.0"
MAX_MEMBERS = 500
MAX_PAGE = 1000
DEFAULT_PAGE = 10
MAX_BODY_BYTES = 10_000_000
CONCURRENT = 10
MAX_OPERATIONS = 1000
MAX_BATCHES = 500
KEPT_BATCHES = 2000
LINK_S = 600.0
MAX_VALUE_BYTES = 255
DEFAULT_LIST = "5ab0c1d2e3"
FIRST_WEB_ID = 400_000_001

STATUSES = ("subscribed", "unsubscribed", "cleaned", "pending", "transactional")
ARCHIVED = "archived"
EMAIL_TYPES = ("html", "text")

ATTRIBUTES: Mapping[str, str] = {
    "email_address": "string",
    "email_type": "string",
    "status": "string",
    "status_if_new": "string",
    "merge_fields": "object",
    "interests": "object",
    "language": "string",
    "vip": "boolean",
    "location": "object",
    "marketing_permissions": "array",
    "ip_signup": "string",
    "timestamp_signup": "string",
    "ip_opt": "string",
    "timestamp_opt": "string",
    "tags": "array",
}
"""What a member may be sent with, each with the type that its schema describes."""
KEPT = (
    *("email_type", "interests", "language", "vip", "location", "ip_signup", "timestamp_signup"),
    *("ip_opt", "timestamp_opt"),
)

FIELD_TYPES = (
    *("text", "number", "address", "phone", "date", "url", "imageurl", "radio", "dropdown"),
    *("birthday", "zip"),
)
CHOICES = ("radio", "dropdown")
ADDRESS = ("addr1", "city", "state", "zip")
ADDRESS_PARTS = (*ADDRESS, "addr2", "country")
STANDARD_FIELDS: Mapping[str, tuple[str, str]] = {
    "FNAME": ("First Name", "text"),
    "LNAME": ("Last Name", "text"),
    "ADDRESS": ("Address", "address"),
    "PHONE": ("Phone Number", "phone"),
}

PROBLEM_TYPE = "application/problem+json; charset=utf-8"
ABOUT = "https://mailchimp.com/developer/marketing/docs/errors/"
TITLES: Mapping[int, str] = {
    400: "Invalid Resource",
    401: "API Key Invalid",
    403: "Forbidden",
    404: "Resource Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
NO_KEY = "Your request did not include an API key."
BAD_KEY = "Your API key may be invalid, or you've attempted to access the wrong datacenter."
WRONG_CENTER = "The API key provided is linked to a different datacenter."
TOO_MANY = "You have exceeded the limit of 10 simultaneous connections."
NOT_FOUND = "The requested resource could not be found."
NOT_ALLOWED = "The requested method and resource are not compatible."
NO_JSON = "We encountered an unspecified JSON parsing error."
INVALID = (
    "The resource submitted could not be validated. For field-specific details, see the 'errors'"
    " array."
)
BAD_FIELDS = "Your merge fields were invalid."
BAD_EMAIL = "Please provide a valid email address."
