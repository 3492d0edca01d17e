"""Braze's numbers, names and texts, so that a correction is one line here.

From the vendor's public pages and from clients that others wrote. Not confirmed against a live
account: what an attribute of another type than before is answered with, the words of most errors,
whether a request none of whose rows are good is 400, whether four megabytes are 4,000,000 bytes,
what an export that asks for an unknown field is answered with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_OBJECTS = 75
MAX_BODY_BYTES = 4_000_000
MAX_DELETED = 50
MAX_EXPORTED = 50
MAX_TEXT = 255
LIMIT, WINDOW_S = 3000, 3.0
EXPORT_LIMIT, EXPORT_WINDOW_S = 250, 60.0
EXPORT_PATH = "/users/export/ids"

KINDS = ("attributes", "events", "purchases")
NEEDED: Mapping[str, tuple[str, ...]] = {
    "attributes": (),
    "events": ("name", "time"),
    "purchases": ("product_id", "currency", "price", "time"),
}
IDENTIFIERS = ("external_id", "braze_id", "user_alias", "email", "phone")
TEXTS = (
    *("email", "phone", "first_name", "last_name", "home_city", "language", "time_zone"),
    *("country", "gender", "dob", "email_subscribe", "push_subscribe", "date_of_first_session"),
    *("date_of_last_session",),
)
WORDS: Mapping[str, tuple[str, ...]] = {
    "gender": ("M", "F", "O", "N", "P"),
    "email_subscribe": ("opted_in", "unsubscribed", "subscribed"),
    "push_subscribe": ("opted_in", "unsubscribed", "subscribed"),
}
EXPORTED = (
    *("apps", "attributed_ad", "attributed_adgroup", "attributed_campaign", "attributed_source"),
    *("braze_id", "campaigns_received", "canvases_received", "cards_clicked", "country"),
    *("created_at", "custom_attributes", "custom_events", "devices", "dob", "email"),
    *("email_subscribe", "external_id", "first_name", "gender", "home_city", "language"),
    *("last_coordinates", "last_name", "phone", "purchases", "push_subscribe", "push_tokens"),
    *("random_bucket", "time_zone", "total_revenue", "uninstalled_at", "user_aliases"),
)
"""What ``fields_to_export`` may name: attributes of one's own are there all together."""
UNTOLD = (
    *("current_location", "date_of_first_session", "date_of_last_session"),
    *("email_click_tracking_disabled", "email_open_tracking_disabled", "facebook", "image_url"),
    *("marked_email_as_spam_at", "subscription_groups", "twitter"),
)
"""Attributes that are written, and that no export has."""
META = ("_update_existing_only", "_merge_objects")

NO_IDENTIFIER = "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"
NOTHING = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields"
MESSAGES: Mapping[int, str] = {
    401: "Invalid API key",
    403: "The rate plan doesn't support, or the account is otherwise inactivated",
    404: "Invalid URL",
    413: "Payload too large",
    429: "Rate limited",
    500: "Internal server error",
    503: "Service unavailable",
}
