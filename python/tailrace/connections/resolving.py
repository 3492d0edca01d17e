"""The last step before the core: secrets put in, account and certificates found.

Done anew for every run, since tokens change; needs no model and no parser.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tailrace.connections.trust import find_ca_file
from tailrace.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TIMEOUT_S = 60.0
_IDLE_TIMEOUT_S = 60.0
_UNFIT = re.compile(r"[\r\n\0]")


def resolve(
    connection: Mapping[str, Any], environment: Mapping[str, str], directory: str = "."
) -> dict[str, Any]:
    """The connection of the run spec, secrets as text: it goes to the core and nowhere else.
    `directory` is the project's, for the file of a private key.

    Raises:
        ValueError: A secret cannot be sent in a header, or a named certificate file is missing.
    """
    open_one: dict[str, Any] = reveal(connection)
    oauth2 = open_one["auth"].get("oauth2", {})
    key = oauth2.pop("private_key", None)  # a text of several lines, and sent nowhere
    for text in _texts(open_one["auth"], open_one["headers"]):
        if _UNFIT.search(text):
            raise ValueError("auth and headers may not hold line ends or NUL characters")
    if "dsn" in open_one:
        from tailrace import _core

        open_one["base_url"] = _core.database_address(open_one["dsn"])
    explicit = open_one.pop("account")
    public_login = open_one.pop("public_login")
    names = account_names(open_one, public_login, explicit)
    open_one["account"], open_one["account_was"] = names[0], names[1:]
    if key is not None:
        oauth2["private_key"] = key
    if "key_file" in oauth2:
        oauth2["key_file"] = str(Path(directory, oauth2["key_file"]).absolute())
    urls = (open_one["base_url"], oauth2.get("token_url", ""))
    https = any(urlsplit(url).scheme == "https" for url in urls)
    # An instance_url may be https where the login's own address is not.
    https = https or "base_url_from" in oauth2
    open_one["ca_file"] = find_ca_file(open_one["ca_file"], environment) if https else ""
    open_one["proxy"] = open_one["proxy"] or ""
    open_one["timeout_s"] = open_one["timeout_s"] or _TIMEOUT_S
    open_one["idle_timeout_s"] = open_one.get("idle_timeout_s") or _IDLE_TIMEOUT_S
    return open_one


def reveal(value: Any) -> Any:
    """A copy with every `Secret` as its text."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, dict):
        return {key: reveal(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [reveal(one) for one in value]
    return value


def account_names(
    connection: Mapping[str, Any], public_login: str | None, explicit: str | None
) -> list[str]:
    """Whose state it is, as far as that is known without asking the tool: type, address and the
    public part of the login, or what the connection says itself. No secret is in it, so that a
    token may be replaced. After it, names under which earlier versions kept the same state: theirs
    had a mark of the token where no part of the login is public.
    """
    base = f"{connection['type']}:{connection['base_url']}"
    if public_login:
        return [explicit or _with_mark(base, public_login)]
    secret = "\0".join(_texts(connection["auth"]))
    return [explicit or base, *([_with_mark(base, secret)] if secret else [])]


def _with_mark(base: str, login: str) -> str:
    return f"{base}#{hashlib.sha256(login.encode()).hexdigest()[:8]}"


def _texts(*values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _texts(*value.keys(), *value.values())
