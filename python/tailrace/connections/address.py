"""Addresses that credentials may be sent to."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

_PORTS = {"https": 443, "http": 80}


def is_loopback(host: str) -> bool:
    """True for localhost and the loopback addresses, in their plain spelling alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_base_url(url: str) -> str:
    """The URL in its one spelling: scheme and host in lower case, no default port, no slash at
    the end.

    Raises:
        ValueError: Neither https, nor http on a loopback address; or more than a path behind it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"{url!r} is not a URL") from None
    host = (parts.hostname or "").lower()
    _refuse_odd(url, parts, host)
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(
            f"{url!r}: http is for loopback addresses alone, since anyone on the way could read "
            "the credentials; write https"
        )
    shown = f"[{host}]" if ":" in host else host
    if port is not None and port != _PORTS[parts.scheme]:
        shown += f":{port}"
    return f"{parts.scheme}://{shown}{parts.path.rstrip('/')}"


def _refuse_odd(url: str, parts: SplitResult, host: str) -> None:
    if parts.scheme not in _PORTS or not host:
        raise ValueError(f"{url!r} is not an https address")
    if "@" in parts.netloc:
        raise ValueError("holds a user or password; they belong under auth")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise ValueError(f"{url!r} has a query or fragment; a base URL ends with its path")
    if not url.isascii() or any(character <= " " or character in '\\"<>^`{|}' for character in url):
        raise ValueError(f"{url!r} has characters that no address has")
