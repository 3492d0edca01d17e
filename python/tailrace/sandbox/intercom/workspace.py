"""The contacts and companies of Intercom's sandbox: what they must be, and what becomes of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.fields import is_email
from tailrace.sandbox.intercom import facts
from tailrace.sandbox.intercom.answers import refuse
from tailrace.sandbox.intercom.attributes import Attribute, misfit
from tailrace.sandbox.records import Collection, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.wire import Json


class Workspace:
    """One workspace, from one reset to the next."""

    def __init__(self, wall_ms: Callable[[], int]) -> None:
        self._wall_ms = wall_ms
        self._made = 0
        # A user's address is its own; leads may share one.
        self.contacts = Collection(
            "contacts", ("external_id", "user_email"), folded=("user_email",)
        )
        self.companies = Collection("companies", ("company_id",))
        self.attributes: dict[str, dict[str, Attribute]] = {model: {} for model in facts.MODELS}

    def add_attribute(self, model: str, one: Attribute) -> Attribute:
        """An attribute from now on."""
        held = self.attributes[model]
        held[one.name] = replace(one, number=sum(map(len, self.attributes.values())) + 1001)
        return held[one.name]

    # -- checking --------------------------------------------------------------------------------

    def check(self, model: str, body: Mapping[str, Json]) -> None:
        """Whether a contact or a company can be written. Raises RefusalError (400)."""
        kinds = facts.CONTACT if model == "contact" else facts.COMPANY
        for name, value in body.items():
            if name not in kinds:
                raise refuse(400, f"{name} is not a field of a {model}", field=name)
            found = misfit(kinds[name], value)
            if found:
                raise refuse(400, f"{name} {found}", field=name)
        if body.get("role") not in (None, *facts.ROLES):
            raise refuse(400, "role is user or lead", field="role")
        if body.get("email") and not is_email(str(body["email"])):
            raise refuse(400, "email is not a valid address", field="email")
        for name, value in (body.get("custom_attributes") or {}).items():
            one = self.attributes[model].get(name)
            if one is None:
                message = f"Custom attribute '{name}' does not exist"
                raise refuse(400, message, field="custom_attributes")
            found = misfit(one.data_type, value, one.options)
            if found:
                message = f"Custom attribute '{name}' {found}"
                raise refuse(400, message, field="custom_attributes")

    # -- contacts --------------------------------------------------------------------------------

    def create_contact(self, body: Mapping[str, Any]) -> Record:
        """A new contact. Raises RefusalError (409)."""
        values = self._values({"role": "user"}, body)
        self._refuse_clash(values, None)
        return self.contacts.create(
            *(values, self._wall_ms()), key=key_of(values), record_id=self._number("contact")
        )

    def update_contact(self, record: Record, body: Mapping[str, Any]) -> None:
        """Overlay what is named; null takes it away. Raises RefusalError (409)."""
        values = self._values(record.values, body)
        self._refuse_clash(values, record)
        gone = dict.fromkeys(record.values.keys() - values.keys())
        self.contacts.update(record, {**gone, **values}, self._wall_ms(), key=key_of(values))
        record.values = values

    def _values(self, held: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
        custom = {**held.get("custom_attributes", {}), **(body.get("custom_attributes") or {})}
        values = {**held, **body, "custom_attributes": custom}
        values["custom_attributes"] = {k: v for k, v in custom.items() if v is not None}
        values["user_email"] = values.get("email") if values.get("role") == "user" else None
        return {name: value for name, value in values.items() if value not in (None, "")}

    def _refuse_clash(self, values: Mapping[str, Any], owner: Record | None) -> None:
        clash = self.contacts.clash(values, owner)
        if clash is not None:
            message = "A contact matching those details already exists with id="
            raise refuse(409, f"{message}{clash.existing_id}")

    def remove_contact(self, record: Record) -> None:
        self.contacts.remove(record, self._wall_ms(), key=key_of(record.values))

    # -- companies -------------------------------------------------------------------------------

    def write_company(self, record: Record | None, body: Mapping[str, Any]) -> Record:
        """A company after a body was laid over it, a new one where there is none."""
        held = {} if record is None else record.values
        custom = {**held.get("custom_attributes", {}), **(body.get("custom_attributes") or {})}
        values = {**held, **body, "custom_attributes": custom}
        if values.get("monthly_spend") is not None:
            values["monthly_spend"] = min(int(values["monthly_spend"]), facts.MAX_SPEND)
        key = str(values["company_id"])
        if record is None:
            values.setdefault("contacts", [])
            number = self._number("company")
            return self.companies.create(values, self._wall_ms(), key=key, record_id=number)
        self.companies.update(record, values, self._wall_ms(), key=key)
        return record

    def _number(self, kind: str) -> str:
        self._made += 1
        return hashlib.sha256(f"{kind}:{self._made}".encode()).hexdigest()[:24]

    # -- showing ---------------------------------------------------------------------------------

    def contact_json(self, record: Record) -> dict[str, Json]:
        """A contact as the API shows it."""
        names = [name for name in facts.CONTACT if name not in facts.UNSHOWN]
        return {
            "type": "contact",
            "id": record.id,
            "workspace_id": "sandbox",
            **{name: record.values.get(name) for name in names},
            "avatar": {"type": "avatar", "image_url": record.values.get("avatar")},
            "created_at": record.created_ms // 1000,
            "updated_at": record.updated_ms // 1000,
            "custom_attributes": record.values.get("custom_attributes", {}),
        }

    def company_json(self, record: Record) -> dict[str, Json]:
        """A company as the API shows it."""
        values = record.values
        shown: dict[str, Json] = {
            "type": "company",
            "id": record.id,
            "app_id": "sandbox",
            "created_at": record.created_ms // 1000,
            "updated_at": record.updated_ms // 1000,
            "user_count": len(values["contacts"]),
            "custom_attributes": values["custom_attributes"],
            "plan": {"type": "plan", "name": values["plan"]} if values.get("plan") else {},
        }
        names = ("name", "company_id", "size", "website", "industry", "monthly_spend")
        shown.update({name: values[name] for name in names if values.get(name) is not None})
        return shown


def key_of(values: Mapping[str, Any]) -> str:
    """What a contact is called in the log."""
    return str(values.get("external_id") or values.get("email") or "")
