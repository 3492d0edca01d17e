"""Python functions as destinations: what they get, what they return, and who calls them."""

from tailrace.functions.batch import Batch, BatchRefused, Outcome, TryLater
from tailrace.functions.function import Function, destination

__all__ = ["Batch", "BatchRefused", "Function", "Outcome", "TryLater", "destination"]
