"""The sandbox: local stand-ins for business tools, over HTTP, as strict as the tools themselves.

A whole DAG can be tried against it with no account. ``Sandbox`` runs it in the background,
``serve`` in the foreground, ``python -m tailrace.sandbox`` from a shell. It needs the extra
``tailrace[sandbox]``. What it cannot show: rules that a real account adds, the true shape of a
vendor's throttling, and whatever a vendor changed since.
"""

from __future__ import annotations

try:
    import aiohttp  # noqa: F401
except ModuleNotFoundError as error:
    message = "the sandbox needs aiohttp: install tailrace[sandbox]"
    raise ModuleNotFoundError(message, name="aiohttp") from error

from tailrace.sandbox.config import ConfigError
from tailrace.sandbox.run import Sandbox, merged_config, run_sandbox, serve

__all__ = ["ConfigError", "Sandbox", "merged_config", "run_sandbox", "serve"]
