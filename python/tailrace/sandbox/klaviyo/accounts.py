"""Whose key it is: the one account that Klaviyo's sandbox tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.sandbox.klaviyo import facts
from tailrace.sandbox.klaviyo.answers import answer
from tailrace.sandbox.klaviyo.endpoints import Endpoint, endpoint
from tailrace.sandbox.vendor import Call

if TYPE_CHECKING:
    import re

    from tailrace.sandbox.klaviyo.account import Account
    from tailrace.sandbox.wire import Reply, Request


class Accounts:
    """``GET /api/accounts``."""

    def __init__(self, account: Account, account_id: str) -> None:
        self._account = account
        self._id = account_id

    def endpoints(self) -> list[Endpoint]:
        """What is served here."""
        return [endpoint("GET", "/api/accounts", facts.SLOWEST, self._read)]

    def _read(self, _request: Request, _match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            address = f"{self._account.base_url}/api/accounts"
            shown = {
                "type": "account",
                "id": self._id,
                "attributes": {
                    "test_account": True,
                    "contact_information": {"organization_name": "Sandbox"},
                    "timezone": "Etc/UTC",
                    "public_api_key": self._id,
                },
                "links": {"self": f"{address}/{self._id}"},
            }
            links = {"self": address, "next": None, "prev": None}
            return answer(200, {"data": [shown], "links": links})

        return Call("account", "accounts", [], run)
