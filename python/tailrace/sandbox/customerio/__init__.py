"""Customer.io's sandbox: people and objects, in batches of bytes."""

from tailrace.sandbox.customerio.vendor import CustomerIo

__all__ = ["CustomerIo"]
