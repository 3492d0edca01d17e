"""Every type of connection that this version offers."""

from __future__ import annotations

from tailrace.connections.base import Connection  # noqa: TC001  (the registry's value type)
from tailrace.connections.dbt import DbtConnection
from tailrace.connections.duckdb import DuckDbConnection
from tailrace.connections.hubspot import HubSpotConnection
from tailrace.connections.klaviyo import KlaviyoConnection
from tailrace.connections.mailchimp import MailchimpConnection
from tailrace.connections.marketo import MarketoConnection
from tailrace.connections.postgres import PostgresConnection
from tailrace.connections.python import PythonConnection
from tailrace.connections.rest import RestConnection
from tailrace.connections.salesforce import SalesforceConnection
from tailrace.connections.zendesk import ZendeskConnection

TYPES: dict[str, type[Connection]] = {
    "dbt": DbtConnection,
    "duckdb": DuckDbConnection,
    "hubspot": HubSpotConnection,
    "klaviyo": KlaviyoConnection,
    "mailchimp": MailchimpConnection,
    "marketo": MarketoConnection,
    "postgres": PostgresConnection,
    "python": PythonConnection,
    "rest": RestConnection,
    "salesforce": SalesforceConnection,
    "zendesk": ZendeskConnection,
}

# Of the grammar, and not there yet: whoever names one is told so.
NOT_OFFERED = frozenset({"adbc"})
