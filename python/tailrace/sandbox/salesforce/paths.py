"""What all paths of the API begin with, and what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from tailrace.sandbox.salesforce.answers import not_found

if TYPE_CHECKING:
    import re

    from tailrace.sandbox.salesforce.org import Org
    from tailrace.sandbox.salesforce.sobject import Sobject

VERSION = r"/services/data/v(?P<version>\d{2}\.0)"


def need_version(match: re.Match[str], least: int) -> None:
    """Refuse what came in a later version than the one asked for. Raises RefusalError (404)."""
    if int(match["version"][:2]) < least:
        raise not_found()


def sobject_of(org: Org, match: re.Match[str]) -> Sobject:
    """The object that a path names. Raises RefusalError (404)."""
    found = org.sobject(unquote(match["type"]))
    if found is None:
        raise not_found()
    return found
