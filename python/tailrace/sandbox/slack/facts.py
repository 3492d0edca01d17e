"""Slack's numbers, names and texts, so that a correction is one line here.

From the vendor's description of its Web API and its public pages. Not confirmed against a live
workspace: that a second message within a second of the first is refused at once, how many there may
be in a minute over all channels, the statuses of a webhook's refusals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TEXT = 40_000
MAX_BLOCKS = 50
MAX_ATTACHMENTS = 100
DEFAULT_CHANNELS = ("general",)
CHANNEL_S = 1.0
MEMBERS = frozenset(
    {
        *("channel", "text", "blocks", "attachments", "thread_ts", "username", "icon_emoji"),
        *("icon_url", "link_names", "mrkdwn", "parse", "reply_broadcast", "unfurl_links"),
        *("unfurl_media", "as_user", "metadata", "token"),
    }
)
LIMITS: Mapping[str, Mapping[str, int]] = {"standard": {"per_channel_ms": 1000, "minute": 300}}
"""A message a second in each channel; as many over all channels in a minute."""
BY_STATUS: Mapping[int, str] = {
    401: "invalid_auth",
    403: "missing_scope",
    404: "unknown_method",
    409: "message_limit_exceeded",
}
