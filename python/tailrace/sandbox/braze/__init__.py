"""Braze's sandbox: users, their attributes, events and purchases, 75 a request."""

from tailrace.sandbox.braze.vendor import Braze

__all__ = ["Braze"]
