"""Zendesk's numbers, names and texts, so that a correction is one line here.

From the vendor's public description of the Support API, its pages on rate limits, job statuses
and idempotency, and answers of its staff in its forum. Not confirmed against a live account: how
unknown fields are refused, the words of most errors of a row, how many jobs ``show_many`` takes,
the largest body, that an account keeps a hundred jobs for an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ITEMS = 100
MAX_PAGE = 100
MAX_BODY_BYTES = 5_000_000
MAX_JOBS = 30
MAX_JOBS_SHOWN = 100
KEPT_JOBS = 1000
IDEMPOTENCY_S = 7200.0
# Real ids do not fit into 32 bits, and clients should meet that here first.
FIRST_ID: Mapping[str, int] = {
    "users": 20_000_000_001,
    "organizations": 30_000_000_001,
    "tickets": 40_000_000_001,
}
ME = 9_000_000_001

TIERS: Mapping[str, int] = {
    "team": 200,
    "growth": 400,
    "professional": 400,
    "enterprise": 700,
    "enterprise_plus": 2500,
}
"""Requests of the account in a minute."""
DEFAULT_TIER = "enterprise"
WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One object: its names, the attributes that every account has with their types, and where
    the account's own fields stand."""

    name: str
    singular: str
    attributes: Mapping[str, str]
    required: tuple[str, ...]
    """To create a record."""
    unique: tuple[str, ...]
    custom: str
    """The attribute that holds the account's own fields."""
    fields_path: str
    error: str
    """What the codes of a row's errors begin with."""


def _attributes(
    *, text: str = "", integer: str = "", flag: str = "", lists: str = "", given: str = ""
) -> dict[str, str]:
    kinds = {
        "string": text,
        "integer": integer,
        "boolean": flag,
        "list": lists,
        "read_only": given,
    }
    return {name: kind for kind, names in kinds.items() for name in names.split()}


_GIVEN = "url created_at updated_at active shared last_login_at"

USERS = ObjectType(
    "users",
    "user",
    {
        **_attributes(
            text="name external_id alias details locale notes phone remote_photo_url signature"
            " ticket_restriction time_zone",
            integer="id custom_role_id default_group_id locale_id organization_id",
            flag="moderator only_private_comments skip_verify_email suspended verified",
            lists="tags",
            given=_GIVEN,
        ),
        "email": "email",
        "role": "role",
        "user_fields": "custom",
        "organization": "object",
    },
    ("name",),
    ("external_id", "email"),
    "user_fields",
    "user_fields",
    "User",
)

ORGANIZATIONS = ObjectType(
    "organizations",
    "organization",
    {
        **_attributes(
            text="name external_id details notes",
            integer="id group_id",
            flag="shared_comments shared_tickets",
            lists="tags domain_names",
            given=_GIVEN,
        ),
        "organization_fields": "custom",
    },
    ("name",),
    ("external_id", "name"),
    "organization_fields",
    "organization_fields",
    "Organization",
)

TICKETS = ObjectType(
    "tickets",
    "ticket",
    {
        **_attributes(
            text="external_id subject raw_subject recipient assignee_email priority status type"
            " due_at",
            integer="id assignee_id brand_id custom_status_id group_id organization_id problem_id"
            " requester_id submitter_id ticket_form_id",
            lists="tags additional_tags remove_tags collaborator_ids",
            given=_GIVEN,
        ),
        "custom_fields": "values",
        "comment": "object",
        "requester": "object",
    },
    ("comment",),
    (),
    "custom_fields",
    "ticket_fields",
    "Ticket",
)

OBJECTS: tuple[ObjectType, ...] = (USERS, ORGANIZATIONS, TICKETS)
OBJECT_PATH = r"/api/v2/(?P<type>users|organizations|tickets)"
RECORD_PATH = rf"{OBJECT_PATH}/(?P<id>\d+)"

ROLES = ("end-user", "agent", "admin")
FIELD_TYPES = (
    *("text", "textarea", "checkbox", "date", "integer", "decimal", "regexp", "dropdown"),
    "multiselect",
)

NO_LOGIN = "Couldn't authenticate you"
FORBIDDEN = (
    "You do not have access to this page. Please contact the account owner of this help desk for"
    " further help."
)
TOO_MANY_JOBS = (
    "The maximum number of queued or running jobs has been reached. Wait until some have completed."
)
RATE_LIMITED = "Number of allowed API requests per minute exceeded"
