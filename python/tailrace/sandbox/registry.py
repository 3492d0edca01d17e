"""The vendors of the sandbox: one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.sandbox.hubspot import HubSpot
from tailrace.sandbox.rest import Rest
from tailrace.sandbox.zendesk import Zendesk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.sandbox.vendor import Vendor

VENDORS: Mapping[str, type[Vendor]] = {
    HubSpot.name: HubSpot,
    Rest.name: Rest,
    Zendesk.name: Zendesk,
}
