"""A generic JSON API, for the ``rest`` destination."""

from tailrace.sandbox.rest.vendor import Rest

__all__ = ["Rest"]
