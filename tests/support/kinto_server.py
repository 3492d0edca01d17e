"""Kinto, a JSON store with an HTTP API, in a process of its own: a destination that others wrote.

Prints its port once it listens, keeps everything in memory, and ends with its standard input.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings

warnings.simplefilter("ignore")

import kinto  # noqa: E402
from waitress import create_server  # noqa: E402

SETTINGS = {
    "kinto.storage_backend": "kinto.core.storage.memory",
    "kinto.cache_backend": "kinto.core.cache.memory",
    "kinto.permission_backend": "kinto.core.permission.memory",
    "kinto.experimental_collection_schema_validation": "true",
    "kinto.userid_hmac_secret": "of no meaning here",
    "kinto.bucket_create_principals": "system.Authenticated",
    "multiauth.policies": "basicauth",
}


def main() -> None:
    """Serve until the standard input ends."""
    server = create_server(kinto.main({}, **SETTINGS), host="127.0.0.1", port=0, threads=4)
    print(server.effective_port, flush=True)  # noqa: T201  (the caller reads it)

    def watch() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    server.run()


main()
