"""Every destination that rows are sent to, in the forms that its API may have, beside its sandbox.

A `Form` is all that the contract tests know of a destination: how a project declares it, how the
sandbox serves it, and what a row of the model looks like once it is there.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

OBJECT = "people"
KEY = "person_id"
# Names that every form can be asked to write.
TEXTS = ("level", "note", "mark")


@dataclass(frozen=True)
class Form:
    """One destination and one way in which its API takes rows.

    `login` is a connection's `auth` with `$SECRET` where the credential stands; `credential` the
    sandbox's form of the same, below the option `credential_option`. `batch_rows` is the most that
    goes into one request. `lists` says whether an accepted row is named in the answer.
    """

    name: str
    vendor: str
    object: str
    batch_rows: int
    connection: dict[str, Any]
    options: dict[str, Any]
    login: dict[str, Any]
    credential_option: str
    credential: Any
    texts_only: bool = False
    lists: bool = False
    whole_batch: bool = False
    """Only the HTTP status speaks, for all rows of a request at once."""
    calls_per_delete: bool = False
    """A removed row takes a request of its own."""
    path: str = ""
    """Below the sandbox's address."""
    answers_alone: bool = False
    """Differs from another form in its answers alone: asked where those are the question."""

    def sandbox(self, secret: str, **changes: Any) -> dict[str, Any]:
        """The sandbox's configuration: this vendor alone, which takes `secret` and no other."""
        options = copy.deepcopy(self.options)
        options[self.credential_option] = _filled(self.credential, secret)
        return {"vendors": {self.vendor: options}, "log_size": 20_000, **changes}

    def connection_to(self, url: str, secret: str) -> dict[str, Any]:
        """The connection of a project; `secret` may be a reference to a variable."""
        return {
            **copy.deepcopy(self.connection),
            "type": self.vendor,
            "base_url": url + self.path,
            "auth": _filled(self.login, secret),
        }

    def stored(self, values: dict[str, Any]) -> dict[str, Any]:
        """The record that a row of the model makes: NULL clears."""
        if not self.texts_only:
            return dict(values)
        return {name: value for name, value in values.items() if value is not None}

    def calls(self, rows: int) -> int:
        """The fewest requests that so many rows take."""
        return -(-rows // self.batch_rows)


def _filled(value: Any, secret: str) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, secret) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, secret) for one in value]
    return value.replace("$SECRET", secret) if isinstance(value, str) else value


def _hubspot(name: str, *, answers_alone: bool = False, **options: Any) -> Form:
    properties = {
        KEY: {"type": "string", "label": "Number", "unique": True},
        **{one: {"type": "string", "label": one} for one in TEXTS},
        "big": {"type": "number", "label": "Big"},
        "amount": {"type": "number", "label": "Amount"},
        "ratio": {"type": "number", "label": "Ratio"},
        "flag": {"type": "bool", "label": "Flag"},
        "day": {"type": "date", "label": "Day"},
        "moment": {"type": "string", "label": "Moment"},
        "instant": {"type": "datetime", "label": "Instant"},
    }
    return Form(
        name,
        vendor="hubspot",
        object="contacts",
        batch_rows=100,
        connection={},
        options={"limits": "none", "properties": {"contacts": properties}, **options},
        login={"token": "$SECRET"},
        credential_option="tokens",
        credential=["$SECRET"],
        texts_only=True,
        lists=True,
        answers_alone=answers_alone,
    )


_DELETE = {"method": "DELETE", "path": "/people/{key}"}
_ERRORS = {"path": "errors", "key": "key", "status": "status", "code": "code", "message": "message"}
_RESULTS = {**_ERRORS, "path": "outcome.rows"}


def _rest(
    name: str,
    declared: dict[str, Any],
    served: dict[str, Any],
    login: dict[str, Any],
    **facts: Any,
) -> Form:
    return Form(
        name,
        vendor="rest",
        object=OBJECT,
        batch_rows=declared["batch_rows"],
        connection={"objects": {OBJECT: {**declared, "delete": _DELETE}}},
        options={"objects": {OBJECT: {**served, "key": KEY, "delete": _DELETE}}},
        login=login,
        credential_option="auth",
        credential=login,
        calls_per_delete=True,
        path="/rest",
        **facts,
    )


_ROWS = {"method": "POST", "path": "/people", "batch_rows": 50, "body": "rows"}
_ENVELOPE = {"method": "POST", "path": "/people", "batch_rows": 40, "body": {"inputs": "$rows"}}
_ONE = {"method": "PUT", "path": "/people/{key}", "batch_rows": 1, "body": "object"}
_WHOLE = {"method": "POST", "path": "/people", "batch_rows": 16, "body": "rows"}

FORMS = (
    _hubspot("hubspot"),
    _hubspot("hubspot_full", answers_alone=True, multi_status="full"),
    _rest(
        "rest_errors",
        {**_ROWS, "results": {**_ERRORS, "count": "accepted"}},
        {**_ROWS, "results": _ERRORS},
        {"bearer": "$SECRET"},
    ),
    _rest(
        "rest_list",
        {**_ENVELOPE, "results": {**_RESULTS, "form": "list"}},
        {**_ENVELOPE, "results": {**_RESULTS, "include": "all"}},
        {"header": {"name": "X-Api-Key", "value": "$SECRET"}},
        lists=True,
    ),
    _rest("rest_put", _ONE, _ONE, {"bearer": "$SECRET"}, whole_batch=True),
    _rest(
        "rest_whole",
        _WHOLE,
        _WHOLE,
        {"basic": {"user": "loader", "password": "$SECRET"}},
        whole_batch=True,
    ),
)
BY_NAME = {form.name: form for form in FORMS}
