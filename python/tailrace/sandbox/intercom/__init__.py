"""Intercom's sandbox: contacts one by one, companies, data attributes."""

from tailrace.sandbox.intercom.vendor import Intercom

__all__ = ["Intercom"]
