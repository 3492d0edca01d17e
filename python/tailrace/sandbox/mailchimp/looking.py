"""What Mailchimp's sandbox tells of itself: health, account, audiences, merge fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.sandbox.mailchimp import facts
from tailrace.sandbox.mailchimp.answers import body_of, invalid, page, problem, refuse
from tailrace.sandbox.mailchimp.merge_fields import new_field
from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request

if TYPE_CHECKING:
    import re

    from tailrace.sandbox.mailchimp.account import Account
    from tailrace.sandbox.mailchimp.audience import Audience

_LIST = rf"{facts.BASE}/lists/(?P<list>\w+)"
_FIELDS = f"{_LIST}/merge-fields"


class Looking:
    """The requests that change no member."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("GET", f"{facts.BASE}/?", self._read_root),
            route("GET", f"{facts.BASE}/ping", self._read_ping),
            route("GET", f"{facts.BASE}/lists", self._read_lists),
            route("GET", _LIST, self._read_list),
            route("GET", _FIELDS, self._read_fields),
            route("POST", _FIELDS, self._read_new_field),
            route("GET", rf"{_FIELDS}/(?P<field>\d{{1,9}})", self._read_field),
        ]

    def _read_root(self, _request: Request, _match: re.Match[str]) -> Call:
        body = {
            "account_id": "8d3a3db4d97663a9074efcc16",
            "account_name": "Sandbox",
            "email": "admin@sandbox.test",
            "role": "owner",
            "total_subscribers": len(self._account.members),
            "_links": [],
        }
        return Call("account", "account", [], lambda _: Reply(200, body))

    def _read_ping(self, _request: Request, _match: re.Match[str]) -> Call:
        body = {"health_status": "Everything's Chimpy!"}
        return Call("ping", "account", [], lambda _: Reply(200, body))

    def _read_lists(self, request: Request, _match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            return page(request, "lists", [*self._account.audiences.values()], _as_json)

        return Call("lists", "lists", [], run)

    def _read_list(self, _request: Request, match: re.Match[str]) -> Call:
        audience = self._account.audience(match)
        return Call("list", "lists", [], lambda _: Reply(200, _as_json(audience)))

    # -- merge fields ----------------------------------------------------------------------------

    def _read_fields(self, request: Request, match: re.Match[str]) -> Call:
        audience = self._account.audience(match)

        def run(_: Call) -> Reply:
            found = [*audience.fields.values()]
            return page(
                *(request, "merge_fields", found, lambda one: one.as_json(audience.id)),
                list_id=audience.id,
            )

        return Call("fields", "members", [], run)

    def _read_field(self, _request: Request, match: re.Match[str]) -> Call:
        audience, number = self._account.audience(match), int(match["field"])

        def run(_: Call) -> Reply:
            for one in audience.fields.values():
                if one.number == number:
                    return Reply(200, one.as_json(audience.id))
            raise refuse(404, facts.NOT_FOUND)

        return Call("field", "members", [], run)

    def _read_new_field(self, request: Request, match: re.Match[str]) -> Call:
        audience, body = self._account.audience(match), body_of(request)
        made = new_field(body, len(audience.fields) + 1)
        if made is None:
            raise invalid("", "Required fields were not provided or are not valid: name, type, tag")

        def run(call: Call) -> Reply:
            if made.tag in audience.fields:
                detail = f'A Merge Field with the tag "{made.tag}" already exists for this list.'
                raise RefusalError(problem(400, detail))
            call.applied = 1
            return Reply(200, audience.add_field(made).as_json(audience.id))

        return Call("create_field", "members", [made.tag], run)


def _as_json(audience: Audience) -> Json:
    counted = [one.values["status"] for one in audience]
    return {
        "id": audience.id,
        "name": audience.name,
        "permission_reminder": "",
        "email_type_option": False,
        "double_optin": False,
        "stats": {
            "member_count": counted.count("subscribed"),
            "unsubscribe_count": counted.count("unsubscribed"),
            "cleaned_count": counted.count("cleaned"),
            "merge_field_count": len(audience.fields),
        },
        "_links": [],
    }
