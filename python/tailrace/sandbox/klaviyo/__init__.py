"""Klaviyo's sandbox: profiles, bulk imports, lists, events, limits of each endpoint."""

from tailrace.sandbox.klaviyo.vendor import Klaviyo

__all__ = ["Klaviyo"]
