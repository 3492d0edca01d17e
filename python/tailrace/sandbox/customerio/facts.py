"""Customer.io's numbers, names and texts, so that a correction is one line here.

From the vendor's public pages, as others tell of them, and its own client. Not confirmed against a
live workspace: the words and reasons of errors, the status of a batch that is too large or none of
whose operations are good, that attributes of people are cleared by null and by an empty text.
"""

from __future__ import annotations

MAX_BATCH_BYTES = 500_000
MAX_OPERATION_BYTES = 32_000
MAX_ATTRIBUTES = 300
MAX_NAME_BYTES = 150
MAX_VALUE_BYTES = 1000
LIMIT, WINDOW_S = 100, 1.0

ACTIONS = {
    "person": ("identify", "delete", "event", "suppress", "unsuppress"),
    "object": ("identify", "delete"),
}
IDENTIFIERS = {
    "person": ("id", "email", "cio_id"),
    "object": ("object_type_id", "object_id"),
}
MEMBERS = frozenset(
    {"type", "action", "identifiers", "attributes", "name", "timestamp", "id", "cio_relationships"}
)
UNAUTHORIZED = "Unauthorized request"
