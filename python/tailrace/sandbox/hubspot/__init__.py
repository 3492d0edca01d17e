"""HubSpot's sandbox: CRM objects in batches, their properties, logins and rate limits."""

from tailrace.sandbox.hubspot.vendor import HubSpot

__all__ = ["HubSpot"]
