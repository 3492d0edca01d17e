"""Marketo's sandbox: leads, their fields, static lists, bulk imports, tokens that run out."""

from tailrace.sandbox.marketo.vendor import Marketo

__all__ = ["Marketo"]
