"""Iterable's numbers, names and texts, so that a correction is one line here.

From what an engineer of the vendor said in a public thread and from public pages. Not confirmed
against a live project: which of the lists of failures names what, the codes of most refusals,
the paths that name a user by its id, whether four megabytes are 4,000,000 bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES = 4_000_000
BULK_LIMIT = 5
LIMIT = 500
MAX_LIST_USERS = 1000
FAILURES = (
    *("invalidEmails", "invalidUserIds", "notFoundEmails", "notFoundUserIds"),
    *("invalidDataEmails", "invalidDataUserIds", "conflictEmails", "conflictUserIds"),
    *("forgottenEmails", "forgottenUserIds"),
)
USER_MEMBERS = frozenset(
    {"email", "userId", "dataFields", "preferUserId", "mergeNestedObjects", "createNewFields"}
)
FIELD_TYPES = ("string", "boolean", "long", "double", "date", "object", "array")
CODES: Mapping[int, str] = {
    400: "BadParams",
    401: "BadApiKey",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    413: "RequestTooLarge",
    429: "RateLimitExceeded",
}
