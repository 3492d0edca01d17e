"""Zendesk's sandbox: users, organizations, tickets, their fields, bulk requests and jobs."""

from tailrace.sandbox.zendesk.vendor import Zendesk

__all__ = ["Zendesk"]
