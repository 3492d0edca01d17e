"""Intercom's sandbox: a workspace with its contacts, companies and data attributes.

Contacts are written one a request, and no request upserts them. What one must be is in
``workspace.py``, numbers and texts are in ``facts.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

from tailrace.sandbox.auth import Auth
from tailrace.sandbox.config import known, saved_entries, texts
from tailrace.sandbox.intercom import facts
from tailrace.sandbox.intercom.answers import body_of, error, listed, refuse
from tailrace.sandbox.intercom.attributes import (
    Attribute,
    attribute_from_answer,
    attribute_from_config,
    new_attribute,
)
from tailrace.sandbox.intercom.searching import condition
from tailrace.sandbox.intercom.workspace import Workspace, key_of
from tailrace.sandbox.limits import window_from, window_headers
from tailrace.sandbox.routes import Routes, route
from tailrace.sandbox.vendor import Call, Setting, Vendor
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.records import Collection, Record

_WHERE = "vendors.intercom"
_LIMITS: Mapping[str, Mapping[str, int]] = {
    "standard": {"max": facts.LIMIT, "interval_ms": int(facts.WINDOW_S * 1000)}
}
_CONTACT = r"/contacts/(?P<id>\w{1,40})"
_COMPANY = r"/companies/(?P<id>\w{1,40})"


class Intercom(Vendor):
    """An Intercom workspace.

    Options: ``tokens`` (where none is given any is good), ``limits`` (standard, none, or ``{max,
    interval_ms}``), ``attributes`` (per model, contact and company: ``name: type``, ``name: {type,
    options}``, or a saved answer of ``data_attributes``), ``account_id`` (whose tokens they are),
    ``max_body_bytes``.
    """

    name: ClassVar[str] = "intercom"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {"tokens", "limits", "attributes", "account_id", "max_body_bytes"}
    )
    LIMIT_NAMES: ClassVar[frozenset[str]] = frozenset({"none", *_LIMITS})
    max_body_bytes = facts.MAX_BODY_BYTES

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._options = setting.options
        self._auth = Auth("bearer", texts(setting.options, "tokens", _WHERE))
        self._routes = Routes(
            [
                route("GET", "/me", self._read_me),
                route("GET", "/contacts", self._read_contacts),
                route("POST", "/contacts", self._read_create),
                route("POST", "/contacts/search", self._read_search),
                route("GET", r"/contacts/find_by_external_id/(?P<id>[^/]+)", self._read_external),
                route("GET", _CONTACT, self._read_contact),
                route("PUT", _CONTACT, self._read_update),
                route("DELETE", _CONTACT, self._read_delete),
                route("POST", f"{_CONTACT}/archive", self._read_archive),
                route("POST", f"{_CONTACT}/companies", self._read_attach),
                route("POST", "/companies", self._read_company),
                route("GET", "/companies", self._read_companies),
                route("GET", _COMPANY, self._read_one_company),
                route("PUT", _COMPANY, self._read_update_company),
                route("DELETE", _COMPANY, self._read_delete_company),
                route("GET", "/data_attributes", self._read_attributes),
                route("POST", "/data_attributes", self._read_new_attribute),
            ]
        )
        self.set_limits(setting.options.get("limits", "standard"))
        self.reset()

    def serves(self, path: str) -> bool:
        if path in ("/me", "/contacts", "/companies", "/data_attributes"):
            return True
        return path.startswith(("/contacts/", "/companies/"))

    # -- login and limits ------------------------------------------------------------------------

    def principal(self, request: Request) -> str:
        principal = self._auth.principal(request)
        if principal is None:
            raise refuse(401, "Access Token Invalid")
        return principal

    def set_limits(self, limits: Any) -> None:
        """``standard``, ``none``, or ``{max, interval_ms}``; the workspace's, not the token's."""
        self._window = window_from(limits, _LIMITS, _WHERE, self.clock)

    def admit(self, principal: str, request: Request) -> list[tuple[str, str]]:  # noqa: ARG002
        if self._window is None:
            return []
        grant = self._window.take()
        headers = window_headers(self._window, grant, self.wall_ms())
        if not grant.allowed:
            refusal = refuse(429, "Exceeded rate limit")
            refusal.reply.headers += headers
            raise refusal
        return headers

    # -- contacts --------------------------------------------------------------------------------

    def read(self, request: Request) -> Call:
        call = self._routes.read(request)
        if call is None:
            raise refuse(404, "The requested resource was not found")
        return call

    def _read_me(self, _request: Request, _match: re.Match[str]) -> Call:
        number = str(self._options.get("account_id", "sandbox"))
        app = {"type": "app", "id_code": number, "name": "Sandbox", "region": "US"}
        body = {"type": "admin", "id": "1", "email": "admin@sandbox.test", "app": app}
        return Call("details", "account", [], lambda _: Reply(200, body))

    def _contact(self, number: str) -> Record:
        record = self._workspace.contacts.get(number)
        if record is None:
            raise refuse(404, "User Not Found")
        return record

    def _shown(self, record: Record) -> Reply:
        return Reply(200, self._workspace.contact_json(record))

    def _read_contacts(self, request: Request, _match: re.Match[str]) -> Call:
        size = request.whole_number("per_page", facts.DEFAULT_PAGE)
        after = request.query.get("starting_after")

        def run(_: Call) -> Reply:
            workspace = self._workspace
            return listed([*workspace.contacts], workspace.contact_json, size, after)

        return Call("list", "contacts", [], run)

    def _read_search(self, request: Request, _match: re.Match[str]) -> Call:
        body = body_of(request)
        fits = condition(body.get("query"))
        pages = body.get("pagination", {})
        if not isinstance(pages, dict):
            raise refuse(400, "pagination is {per_page, starting_after}", field="pagination")

        def run(_: Call) -> Reply:
            shown = [self._workspace.contact_json(one) for one in self._workspace.contacts]
            found = [one for one in shown if fits(one)]
            size, after = pages.get("per_page", facts.DEFAULT_PAGE), pages.get("starting_after")
            return listed(found, lambda one: one, size, after)

        return Call("find", "contacts", [], run)

    def _read_external(self, _request: Request, match: re.Match[str]) -> Call:
        named = unquote(match["id"])

        def run(_: Call) -> Reply:
            record = self._workspace.contacts.find("external_id", named)
            if record is None:
                raise refuse(404, "User Not Found")
            return self._shown(record)

        return Call("read", "contacts", [named], run)

    def _read_contact(self, _request: Request, match: re.Match[str]) -> Call:
        return Call(
            *("read", "contacts", [match["id"]]), lambda _: self._shown(self._contact(match["id"]))
        )

    def _read_create(self, request: Request, _match: re.Match[str]) -> Call:
        body = body_of(request)
        if not any(body.get(name) for name in ("email", "external_id", "role")):
            raise refuse(400, "email, external_id or role is required", "parameter_not_found")
        self._workspace.check("contact", body)
        return self._writing("create", body, lambda: self._workspace.create_contact(body))

    def _read_update(self, request: Request, match: re.Match[str]) -> Call:
        body = body_of(request)
        self._workspace.check("contact", body)

        def act() -> Record:
            record = self._contact(match["id"])
            self._workspace.update_contact(record, body)
            return record

        return self._writing("update", body, act, match["id"])

    def _writing(
        self, op: str, body: Mapping[str, Any], act: Callable[[], Record], named: str = ""
    ) -> Call:
        def run(call: Call) -> Reply:
            if 0 in call.refuse:
                call.rejected = 1
                return error(422, call.refuse[0], call.refuse_code or "")
            try:
                reply = self._shown(act())
            except RefusalError:
                call.rejected = 1
                raise
            call.applied = 1
            return reply

        held = self._workspace.contacts.get(named)
        key = key_of(body) or (key_of(held.values) if held else named)
        return Call(op, "contacts", [key], run)

    def _read_delete(self, _request: Request, match: re.Match[str]) -> Call:
        return self._taking_away("delete", match["id"], "deleted")

    def _read_archive(self, _request: Request, match: re.Match[str]) -> Call:
        return self._taking_away("archive", match["id"], "archived")

    def _taking_away(self, op: str, number: str, word: str) -> Call:
        def run(call: Call) -> Reply:
            record = self._contact(number)
            for one in self._workspace.companies:
                if record.id in one.values["contacts"]:
                    one.values["contacts"].remove(record.id)
            self._workspace.remove_contact(record)
            call.applied = 1
            external = record.values.get("external_id")
            body = {"type": "contact", "id": record.id, "external_id": external, word: True}
            return Reply(200, body)

        return Call(op, "contacts", [number], run)

    # -- companies -------------------------------------------------------------------------------

    def _company(self, number: Json) -> Record:
        record = self._workspace.companies.get(number) if isinstance(number, str) else None
        if record is None:
            raise refuse(404, "Company Not Found", "company_not_found")
        return record

    def _read_company(self, request: Request, _match: re.Match[str]) -> Call:
        body = body_of(request)
        self._workspace.check("company", body)
        if not body.get("company_id"):
            raise refuse(400, "company_id is required", "parameter_not_found", "company_id")

        def run(call: Call) -> Reply:
            held = self._workspace.companies.find("company_id", body["company_id"])
            call.applied = 1
            written = self._workspace.write_company(held, body)
            return Reply(200, self._workspace.company_json(written))

        return Call("upsert", "companies", [body["company_id"]], run)

    def _read_update_company(self, request: Request, match: re.Match[str]) -> Call:
        body = body_of(request)
        self._workspace.check("company", body)

        def run(call: Call) -> Reply:
            held = self._company(match["id"])
            if body.get("company_id", held.values["company_id"]) != held.values["company_id"]:
                raise refuse(400, "company_id cannot be changed", field="company_id")
            call.applied = 1
            written = self._workspace.write_company(held, body)
            return Reply(200, self._workspace.company_json(written))

        return Call("update", "companies", [match["id"]], run)

    def _read_companies(self, request: Request, _match: re.Match[str]) -> Call:
        named = request.query.get("company_id")

        def run(_: Call) -> Reply:
            workspace = self._workspace
            if named is not None:
                held = workspace.companies.find("company_id", named)
                return Reply(200, workspace.company_json(self._company(held and held.id)))
            # A company is seen once somebody belongs to it.
            seen = [one for one in workspace.companies if one.values["contacts"]]
            return listed(seen, workspace.company_json, facts.DEFAULT_PAGE, None)

        return Call("list", "companies", [], run)

    def _read_one_company(self, _request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            return Reply(200, self._workspace.company_json(self._company(match["id"])))

        return Call("read", "companies", [match["id"]], run)

    def _read_delete_company(self, _request: Request, match: re.Match[str]) -> Call:
        def run(call: Call) -> Reply:
            one = self._company(match["id"])
            key = str(one.values["company_id"])
            self._workspace.companies.remove(one, self.wall_ms(), key=key)
            call.applied = 1
            return Reply(200, {"id": one.id, "object": "company", "deleted": True})

        return Call("delete", "companies", [match["id"]], run)

    def _read_attach(self, request: Request, match: re.Match[str]) -> Call:
        number = body_of(request).get("id")

        def run(call: Call) -> Reply:
            contact, one = self._contact(match["id"]), self._company(number)
            if contact.id not in one.values["contacts"]:
                one.values["contacts"].append(contact.id)
            call.applied = 1
            return Reply(200, self._workspace.company_json(one))

        return Call("attach", "companies", [str(number)], run)

    # -- data attributes -------------------------------------------------------------------------

    def _read_attributes(self, request: Request, _match: re.Match[str]) -> Call:
        asked = request.query.get("model")
        if asked is not None and asked not in facts.MODELS:
            raise refuse(400, f"model is one of {', '.join(facts.MODELS)}", field="model")

        def run(_: Call) -> Reply:
            data = [
                one.as_json(model)
                for model in facts.MODELS
                if asked in (None, model)
                for one in self._workspace.attributes[model].values()
            ]
            return Reply(200, {"type": "list", "data": data})

        return Call("fields", "contacts", [], run)

    def _read_new_attribute(self, request: Request, _match: re.Match[str]) -> Call:
        body = body_of(request)
        made, model = new_attribute(body), body.get("model")
        if made is None or model not in facts.MODELS:
            raise refuse(400, "name, model and data_type are required", "parameter_invalid")

        def run(call: Call) -> Reply:
            if made.name in self._workspace.attributes[str(model)]:
                message = f"You already have '{made.name}' in your {model} data."
                raise refuse(400, message, "parameter_invalid", "name")
            call.applied = 1
            added = self._workspace.add_attribute(str(model), made)
            return Reply(200, added.as_json(str(model)))

        return Call("create_field", "contacts", [made.name], run)

    # -- the rest of a vendor --------------------------------------------------------------------

    def refusal(self, status: int, message: str, **extra: Any) -> Reply:  # noqa: ARG002
        return error(status, message)

    def results(self, body: Json) -> list[Json] | None:
        found = body.get("data") if isinstance(body, dict) else None
        return found if isinstance(found, list) else None

    def collections(self) -> Mapping[str, Collection]:
        return {"contacts": self._workspace.contacts, "companies": self._workspace.companies}

    def reset(self) -> None:
        workspace = Workspace(self.wall_ms)
        declared = self._options.get("attributes") or {}
        known(declared, facts.MODELS, f"{_WHERE}.attributes")
        for model, part in declared.items():
            for one in _attributes(f"{_WHERE}.attributes.{model}", part or {}):
                workspace.add_attribute(model, one)
        self._workspace = workspace


def _attributes(where: str, declared: Any) -> list[Attribute]:
    saved = saved_entries(declared, "data", where)
    if saved is None:
        return [attribute_from_config(f"{where}.{name}", name, p) for name, p in declared.items()]
    found = (attribute_from_answer(where, part) for part in saved)
    return [one for one in found if one is not None]
