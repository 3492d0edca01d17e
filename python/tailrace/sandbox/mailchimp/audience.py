"""An audience of Mailchimp's sandbox: its merge fields and its members, by address.

A member is known by the MD5 of its address in lower case. Archiving keeps it, and whoever writes it
again makes it anew; deleting it for good bars its address.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.fields import is_email, iso_ms
from tailrace.sandbox.mailchimp import facts
from tailrace.sandbox.mailchimp.answers import MemberError, mismatch
from tailrace.sandbox.mailchimp.merge_fields import MergeField, misfit
from tailrace.sandbox.wire import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tailrace.sandbox.records import Collection, Record
    from tailrace.sandbox.wire import Json


@functools.lru_cache(4096)
def hash_of(email: str) -> str:
    """What a path names a member by."""
    return hashlib.md5(email.lower().encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class Audience:
    """One audience. ``records`` are the members of all audiences of the account.

    ``compliance`` are addresses that nobody but their owners may subscribe, ``fakes`` domains that
    look fake.
    """

    id: str
    name: str
    records: Collection
    wall_ms: Callable[[], int]
    compliance: frozenset[str] = frozenset()
    fakes: frozenset[str] = frozenset()
    ignores_unknown: bool = False
    fields: dict[str, MergeField] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    tags: dict[str, int] = field(default_factory=dict)

    def add_field(self, one: MergeField) -> MergeField:
        """A merge field from now on."""
        numbered = replace(one, number=len(self.fields) + 1)
        self.fields[one.tag] = numbered
        return numbered

    # -- finding ---------------------------------------------------------------------------------

    def find(self, named: str) -> Record | None:
        """The member that a path names: by its hash, or by its address."""
        number = hash_of(named) if "@" in named else named.lower()
        return self.records.find("place", f"{self.id}/{number}")

    def __iter__(self) -> Iterator[Record]:
        return (one for one in self.records if one.values["list_id"] == self.id)

    # -- checking --------------------------------------------------------------------------------

    def schema_problems(self, row: Json, where: str = "") -> list[tuple[str, str]]:
        """What in a member is not as the schema describes, with its place."""
        found = mismatch(row, "object")
        if found:
            return [(where.rstrip("."), found)]
        problems = []
        for name, value in row.items():
            kind = facts.ATTRIBUTES.get(name)
            if kind is None:
                if not self.ignores_unknown:
                    problems.append((f"{where}{name}", "This field was not expected."))
                continue
            found = mismatch(value, kind) or _word(name, value)
            if found:
                problems.append((f"{where}{name}", found))
        tags = row.get("tags")
        if isinstance(tags, list) and not all(isinstance(one, str) and one for one in tags):
            problems.append((f"{where}tags", "Schema describes string, another type was found"))
        return problems

    def check(self, row: Mapping[str, Any], *, is_new: bool, skip_required: bool) -> None:
        """Whether a member may be written.

        Raises:
            MemberError: it may not.
        """
        email = str(row.get("email_address", ""))
        if is_new or "email_address" in row:
            self._check_email(email)
        wrong = self._field_problems(row.get("merge_fields") or {})
        if is_new and not skip_required:
            given = row.get("merge_fields") or {}
            wrong += [
                (one.tag, "Please enter a value")
                for one in self.fields.values()
                if one.required and given.get(one.tag) in (None, "")
            ]
        if wrong:
            raise MemberError(facts.BAD_FIELDS, fields=wrong)

    def _check_email(self, email: str) -> None:
        if not is_email(email):
            raise MemberError(facts.BAD_EMAIL)
        if email.rpartition("@")[2].lower() in self.fakes:
            detail = f"{email} looks fake or invalid, please enter a real email address."
            raise MemberError(detail)
        if hash_of(email) in self.forgotten:
            detail = f"{email} was permanently deleted and cannot be re-imported. The contact must"
            detail += " re-subscribe to get back on the list."
            raise MemberError(detail, "Forgotten Email Not Subscribed")

    def _field_problems(self, given: Mapping[str, Json]) -> list[tuple[str, str]]:
        wrong = []
        for tag, value in given.items():
            one = self.fields.get(tag)
            if one is None:
                if not self.ignores_unknown:
                    wrong.append((tag, "This merge field does not exist"))
                continue
            found = misfit(one, value)
            if found:
                wrong.append((tag, found))
        return wrong

    def check_status(self, email: str, held: Record | None, status: str | None) -> None:
        """Whether a member may get a status. Raises MemberError."""
        if status != "subscribed":
            return
        barred = email.lower() in self.compliance
        if barred or (held is not None and held.values["status"] == "cleaned"):
            detail = f"{email} is in a compliance state due to unsubscribe, bounce, or compliance"
            detail += " review and cannot be subscribed."
            raise MemberError(detail, "Member In Compliance State")

    # -- writing ---------------------------------------------------------------------------------

    def create(self, row: Mapping[str, Any], status: str) -> Record:
        """A new member, or one that had been archived, made anew."""
        email = row["email_address"]
        archived = self.find(email)
        if archived is not None:
            archived.values.update(merge_fields={}, tags=[])
            self.update(archived, {**row, "status": status})
            self.set_tags(archived, row.get("tags") or [])
            return archived
        values: dict[str, Any] = {
            "place": f"{self.id}/{hash_of(email)}",
            "list_id": self.id,
            "email_address": email,
            "status": status,
            "merge_fields": self._merged({}, row),
            "tags": [],
            **{name: row[name] for name in facts.KEPT if name in row},
        }
        record = self.records.create(values, self.wall_ms(), key=email.lower())
        self.set_tags(record, row.get("tags") or [])
        return record

    def update(self, record: Record, row: Mapping[str, Any]) -> None:
        """Overlay what a member is sent with; an empty text clears a merge field."""
        values = {name: row[name] for name in facts.KEPT if name in row}
        values["merge_fields"] = self._merged(record.values["merge_fields"], row)
        if row.get("status"):
            values["status"] = row["status"]
        email = row.get("email_address", record.values["email_address"])
        values.update(email_address=email, place=f"{self.id}/{hash_of(email)}")
        self.records.update(record, values, self.wall_ms(), key=email.lower())

    def _merged(self, held: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
        merged = {**held}
        for tag, value in (row.get("merge_fields") or {}).items():
            if tag in self.fields:
                merged[tag] = self._kept(self.fields[tag], value)
        return {tag: value for tag, value in merged.items() if value != ""}

    @staticmethod
    def _kept(one: MergeField, value: Json) -> Json:
        if one.type == "number" and isinstance(value, str) and value:
            exact = Decimal(value)
            return int(exact) if exact == exact.to_integral_value() else exact
        return value if one.type in ("number", "address") else text_of(value)

    def archive(self, record: Record) -> None:
        """Take a member out of sight."""
        values = {"status": facts.ARCHIVED}
        key = record.values["email_address"].lower()
        self.records.update(record, values, self.wall_ms(), key=key)

    def forget(self, record: Record) -> None:
        """Delete a member for good."""
        email = record.values["email_address"]
        self.forgotten.add(hash_of(email))
        self.records.remove(record, self.wall_ms(), key=email.lower())

    def set_tags(self, record: Record, active: Iterable[str], gone: Iterable[str] = ()) -> None:
        """Give a member tags, and take some away."""
        held = [one for one in record.values["tags"] if one not in set(gone)]
        for name in active:
            self.tags.setdefault(name, len(self.tags) + 1)
            if name not in held:
                held.append(name)
        record.values["tags"] = held

    # -- showing ---------------------------------------------------------------------------------

    def as_json(self, record: Record) -> dict[str, Json]:
        """A member as the API shows it."""
        values = record.values
        number = values["place"].partition("/")[2]
        filled = {tag: values["merge_fields"].get(tag, "") for tag in self.fields}
        names = (str(filled.get(tag, "")) for tag in ("FNAME", "LNAME"))
        return {
            "id": number,
            "email_address": values["email_address"],
            "unique_email_id": number[:10],
            "contact_id": number,
            "full_name": " ".join(names).strip(),
            "web_id": facts.FIRST_WEB_ID + int(record.id),
            "email_type": values.get("email_type", "html"),
            "status": values["status"],
            "merge_fields": filled,
            "interests": values.get("interests", {}),
            "stats": {"avg_open_rate": 0, "avg_click_rate": 0},
            "ip_signup": values.get("ip_signup", ""),
            "timestamp_signup": values.get("timestamp_signup", ""),
            "ip_opt": values.get("ip_opt", ""),
            "timestamp_opt": _moment(record.created_ms),
            "member_rating": 2,
            "last_changed": _moment(record.updated_ms),
            "language": values.get("language", ""),
            "vip": values.get("vip", False),
            "email_client": "",
            "location": values.get("location", {}),
            "source": "API - Generic",
            "tags_count": len(values["tags"]),
            "tags": [{"id": self.tags[name], "name": name} for name in values["tags"]],
            "list_id": self.id,
            "_links": [],
        }


def _word(name: str, value: Json) -> str:
    allowed = {
        "status": facts.STATUSES,
        "status_if_new": facts.STATUSES,
        "email_type": facts.EMAIL_TYPES,
    }.get(name)
    if allowed is None or value in allowed:
        return ""
    return f"Data presented is not one of the accepted values: {', '.join(allowed)}."


def _moment(ms: int) -> str:
    return iso_ms(ms)[:19] + "+00:00"
