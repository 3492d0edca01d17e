"""The vendors of the sandbox: one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.sandbox.braze import Braze
from tailrace.sandbox.customerio import CustomerIo
from tailrace.sandbox.hubspot import HubSpot
from tailrace.sandbox.intercom import Intercom
from tailrace.sandbox.iterable import Iterable
from tailrace.sandbox.klaviyo import Klaviyo
from tailrace.sandbox.mailchimp import Mailchimp
from tailrace.sandbox.marketo import Marketo
from tailrace.sandbox.rest import Rest
from tailrace.sandbox.salesforce import Salesforce
from tailrace.sandbox.slack import Slack
from tailrace.sandbox.zendesk import Zendesk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.sandbox.vendor import Vendor

VENDORS: Mapping[str, type[Vendor]] = {
    Braze.name: Braze,
    CustomerIo.name: CustomerIo,
    HubSpot.name: HubSpot,
    Intercom.name: Intercom,
    Klaviyo.name: Klaviyo,
    # Klaviyo has lists at the same path; beside it Iterable is asked below its own name.
    Iterable.name: Iterable,
    Mailchimp.name: Mailchimp,
    Marketo.name: Marketo,
    Salesforce.name: Salesforce,
    Slack.name: Slack,
    Zendesk.name: Zendesk,
    # Any path below /rest/ is one of its collections, so it comes after those that have some there.
    Rest.name: Rest,
}
