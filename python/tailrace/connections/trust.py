"""Which certificates the core trusts. A bundled libcurl finds none by itself on many systems."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Debian and Ubuntu, Fedora and RHEL, openSUSE, Alpine, the BSDs and macOS.
SYSTEM_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def find_ca_file(
    setting: str | None,
    environment: Mapping[str, str],
    system_files: Sequence[str] = SYSTEM_FILES,
) -> str:
    """The first of: the connection's `ca_file`, SSL_CERT_FILE, REQUESTS_CA_BUNDLE, the system's
    file, certifi's. Empty where there is none: every https request fails then.

    Raises:
        ValueError: The setting or a variable names a file that is not there or cannot be read.
    """
    named = [("ca_file", setting), *((name, environment.get(name)) for name in _VARIABLES)]
    for origin, path in named:
        if not path:
            continue
        if not Path(path).is_file():
            raise ValueError(f"{origin} names {path}, and there is no such file")
        if not os.access(path, os.R_OK):
            raise ValueError(f"{origin} names {path}, which may not be read")
        return str(Path(path).absolute())
    for path in system_files:
        if Path(path).is_file() and os.access(path, os.R_OK):
            return path
    return _certifi()


def _certifi() -> str:
    if find_spec("certifi") is None:
        return ""
    return str(import_module("certifi").where())
