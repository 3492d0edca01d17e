"""Iterable's sandbox: users in bulk, lists, events, fields that keep their types."""

from tailrace.sandbox.iterable.vendor import Iterable

__all__ = ["Iterable"]
