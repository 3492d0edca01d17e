"""Every destination that rows are sent to, in the forms that its API may have, beside its sandbox.

A `Form` is all that the contract tests know of a destination: how a project declares it, how the
sandbox serves it, and what a row of the model looks like once it is there.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any

from naming import KEY, Naming

OBJECT = "people"
# Names that every form can be asked to write.
TEXTS = ("level", "note", "mark")


@dataclass(frozen=True)
class Form(Naming):
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
    forgets: bool = False
    """A record does not have a field that was cleared."""
    fills: frozenset[str] = frozenset()
    """Fields that the tool gives a value by itself."""
    account_path: str = ""
    """Where it is asked whose login it is; empty: nowhere."""
    account_object: str = ""
    """The object that the question is about, where others are asked for there too."""
    lists: bool = False
    whole_batch: bool = False
    """Only the HTTP status speaks, for all rows of a request at once."""
    calls_per_delete: bool = False
    """A removed row takes a request of its own."""
    path: str = ""
    """Below the sandbox's address."""
    answers_alone: bool = False
    """Differs from another form in its answers alone: asked where those are the question."""
    type: str = ""
    """Of the connection, where it is that of a profile: the login's parts are its parameters."""
    max_text: int = 20_000
    """Characters that a text may have."""
    conflict: str = "409"
    """The status, besides 400, that one row may bring upon its request."""
    hopeless: frozenset[str] = frozenset()
    """Statuses that are about a request as a whole, so that no half of it fares better."""
    wordless: bool = False
    """A row among others is refused without a word of why."""
    appends: bool = False
    """Every version of a row is a new record, which nothing finds again."""
    jobs: bool = False
    """A request queues a job, which is asked for until it has ended. Nothing else is read but
    records that are to be taken away."""
    job_calls: int = 1
    """Requests that a plan counts for a job, if each is asked for by itself."""
    asks_after: bool = False
    """What became of a job whose start was not answered is asked for."""
    waits_a_run: bool = False
    """Rows of a job whose start was not answered are sent again by the next run, not by this one:
    nobody can ask what became of them."""
    needs: dict[str, Any] = field(default_factory=dict)
    """What is mapped besides: fields that no record is made without."""
    remembers: bool = False
    """A record is taken away by the id that the tool told of when it was made."""
    asks: int = 0
    """Records that are looked up at a time before they are written, at `account_path`."""

    def sandbox(self, secret: str, **changes: Any) -> dict[str, Any]:
        """The sandbox's configuration: this vendor alone, which takes `secret` and no other."""
        options = copy.deepcopy(self.options)
        options[self.credential_option] = _filled(self.credential, secret)
        return {"vendors": {self.vendor: options}, "log_size": 20_000, **changes}

    def connection_to(self, url: str, secret: str) -> dict[str, Any]:
        """The connection of a project; `secret` may be a reference to a variable."""
        login = _filled(self.login, secret)
        if self.type == "python":
            options = {"url": url + self.path, **login}
            return {"type": "python", "options": options, **copy.deepcopy(self.connection)}
        return {
            **copy.deepcopy(self.connection),
            "type": self.type or self.vendor,
            "base_url": url + self.path,
            **(login if self.type else {"auth": login}),
        }

    def stored(self, values: dict[str, Any]) -> dict[str, Any]:
        """The record that a row of the model makes: NULL clears."""
        if not self.forgets:
            return dict(values)
        return {name: value for name, value in values.items() if value is not None}

    def calls(self, rows: int) -> int:
        """The fewest requests that so many rows take."""
        return -(-rows // self.batch_rows)

    def planned(self, rows: int) -> int:
        """The same with the questions that so many rows need."""
        calls = self.calls(rows) * self.job_calls
        return calls + (-(-rows // self.asks) if self.asks else 0)


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
        forgets=True,
        account_path="/account-info/v3/details",
        lists=True,
        answers_alone=answers_alone,
    )


def _salesforce(name: str) -> Form:
    number = {"type": "double", "precision": 60, "scale": 20}
    fields: dict[str, Any] = {
        KEY: {"external_id": True, "unique": True, "case_sensitive": True},
        **dict.fromkeys(TEXTS, "textarea"),
        **dict.fromkeys(("big", "amount", "ratio"), number),
        "flag": "boolean",
        "day": "date",
        **dict.fromkeys(("moment", "instant"), "string"),
    }
    return Form(
        name,
        vendor="salesforce",
        object="Person__c",
        batch_rows=200,
        connection={"api": "collections"},
        options={"limits": "none", "objects": {"Person__c": {"fields": fields}}},
        login={"token": "$SECRET"},
        credential_option="tokens",
        credential=["$SECRET"],
        forgets=True,
        fills=frozenset({"OwnerId", "flag"}),
        account_path="/query",
        account_object="Organization",
    )


def _marketo(name: str) -> Form:
    fields: dict[str, Any] = {
        KEY: "string",
        **dict.fromkeys(TEXTS, "text"),
        **dict.fromkeys(("big", "amount", "ratio"), "float"),
        "flag": "boolean",
        "day": "date",
        **dict.fromkeys(("moment", "instant"), "string"),
    }
    return Form(
        name,
        vendor="marketo",
        object="leads",
        batch_rows=300,
        connection={
            "api": "leads",
            "limits": [{"requests": 100_000, "per": "1s"}],
            "resend_after": "50ms",
        },
        options={"limits": "none", "fields": fields},
        login={"token": "$SECRET"},
        credential_option="tokens",
        credential=["$SECRET"],
        forgets=True,
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


def _profile(
    name: str, vendor: str, object_name: str, login: dict[str, Any], credential: str, **facts: Any
) -> Form:
    """A tool that is declared by a profile, with a limit that tests need not wait for."""
    connection = {"limits": [{"concurrent": 64}], **facts.pop("connection", {})}
    return Form(
        name,
        vendor=vendor,
        object=object_name,
        connection=connection,
        options={"limits": "none", **facts.pop("options", {})},
        login=login,
        credential=[credential],
        type=vendor,
        path=f"/{vendor}",
        **{"forgets": True, **facts},
    )


_ATTRIBUTES = {
    **dict.fromkeys((*TEXTS, "day", "moment", "instant"), "string"),
    **dict.fromkeys(("amount", "ratio"), "float"),
    "big": "integer",
    "flag": "boolean",
}
_DATA_FIELDS = {
    **dict.fromkeys((*TEXTS, "day", "moment", "instant"), "string"),
    **dict.fromkeys(("amount", "ratio"), "double"),
    "big": "long",
    "flag": "boolean",
}
_BRAZE: dict[str, Any] = {
    "vendor": "braze",
    "object_name": "users",
    "login": {"api_key": "$SECRET"},
    "credential": "$SECRET",
    "credential_option": "api_keys",
    "connection": {"batch_rows": 40},
    "batch_rows": 40,
    "match": "external_id",
    "max_text": 255,
}

_ROWS = {"method": "POST", "path": "/people", "batch_rows": 50, "body": "rows"}
_ENVELOPE = {"method": "POST", "path": "/people", "batch_rows": 40, "body": {"inputs": "$rows"}}
_ONE = {"method": "PUT", "path": "/people/{key}", "batch_rows": 1, "body": "object"}
_WHOLE = {"method": "POST", "path": "/people", "batch_rows": 16, "body": "rows"}

FORMS = (
    _hubspot("hubspot"),
    _hubspot("hubspot_full", answers_alone=True, multi_status="full"),
    _salesforce("salesforce"),
    _marketo("marketo"),
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
    _profile("braze", **_BRAZE),
    _profile("braze_texts", **{**_BRAZE, "options": {"errors": "texts"}}, answers_alone=True),
    _profile(
        "customerio",
        "customerio",
        "people",
        {"site_id": "site", "api_key": "$SECRET"},
        "site:$SECRET",
        credential_option="logins",
        connection={"batch_rows": 30},
        batch_rows=30,
        match="id",
        max_text=1000,
        hopeless=frozenset({"400"}),
    ),
    _profile(
        "iterable",
        "iterable",
        "users",
        {"api_key": "$SECRET"},
        "$SECRET",
        credential_option="api_keys",
        connection={"batch_rows": 25},
        options={"fields": _DATA_FIELDS},
        batch_rows=25,
        match="userId",
        wordless=True,
        hopeless=frozenset({"400"}),
        calls_per_delete=True,
    ),
    _profile(
        "intercom",
        "intercom",
        "contacts",
        {"token": "$SECRET"},
        "$SECRET",
        credential_option="tokens",
        connection={"find_rows": 20},
        options={"attributes": {"contact": _ATTRIBUTES}},
        batch_rows=1,
        match="external_id",
        prefix="custom_attributes.",
        max_text=255,
        fills=frozenset({"role"}),
        account_path="/contacts/search",
        asks=20,
        whole_batch=True,
        calls_per_delete=True,
    ),
)
# A function of ours between the core and the sandbox.
_PYTHON = Form(
    "python",
    vendor="rest",
    object=OBJECT,
    batch_rows=40,
    connection={"function": "python_destination:push", "max_in_flight": 8},
    options={
        "objects": {
            OBJECT: {
                **_ENVELOPE,
                "results": {**_RESULTS, "include": "all"},
                "key": KEY,
                "delete": _DELETE,
            }
        }
    },
    login={"token": "$SECRET"},
    credential_option="auth",
    credential={"bearer": "$SECRET"},
    type="python",
    texts_only=True,
    lists=True,
    path="/rest",
)
SLACK = _profile(
    "slack",
    "slack",
    "messages",
    {"token": "$SECRET"},
    "$SECRET",
    credential_option="tokens",
    connection={"channel": "#alerts"},
    options={"channels": ["alerts"], "archived": ["old"], "foreign": ["secret"]},
    batch_rows=1,
    match="text",
    names={"level": "username", "note": "icon_emoji"},
    forgets=False,
    fills=frozenset({"channel", "ts"}),
    whole_batch=True,
    wordless=True,
    appends=True,
)
_TAGS = {
    **dict.fromkeys((*TEXTS, "flag", "moment", "instant"), "text"),
    **dict.fromkeys(("big", "amount", "ratio"), "number"),
    "day": "date",
}
_AUDIENCE = "5ab0c1d2e3"
_MAILCHIMP = Form(
    "mailchimp",
    vendor="mailchimp",
    object="members",
    batch_rows=500,
    connection={"list_id": _AUDIENCE, "status_if_new": "subscribed"},
    options={
        "limits": "none",
        "lists": {_AUDIENCE: {"merge_fields": {tag.upper(): kind for tag, kind in _TAGS.items()}}},
    },
    login={"api_key": "$SECRET"},
    credential_option="api_keys",
    credential=["$SECRET"],
    path="/3.0",
    match="email_address",
    names={name: name.upper() for name in _TAGS},
    prefix="merge_fields.",
    address="@acme.test",
    gone={"status": "archived"},
    max_text=255,
    forgets=True,
    fills=frozenset({"list_id", "place", "status", "tags"}),
    account_path="/3.0/",
    lists=True,
    calls_per_delete=True,
)
_KLAVIYO = Form(
    "klaviyo",
    vendor="klaviyo",
    object="profiles",
    batch_rows=40,
    connection={"batch_rows": 40, "limits": [{"requests": 100_000, "per": "1s"}]},
    options={"limits": "none"},
    login={"api_key": "$SECRET"},
    credential_option="api_keys",
    credential=["$SECRET"],
    match="external_id",
    prefix="properties.",
    forgets=True,
    account_path="/api/accounts",
    jobs=True,
    job_calls=2,
    calls_per_delete=True,
    hopeless=frozenset({"400"}),
)
_ZENDESK = Form(
    "zendesk",
    vendor="zendesk",
    object="users",
    batch_rows=100,
    connection={"limits": [{"requests": 100_000, "per": "1s"}]},
    options={
        "limits": "none",
        "fields": {
            "users": {
                **dict.fromkeys((*TEXTS, "moment"), "text"),
                "big": "integer",
                "amount": "decimal",
                "ratio": "decimal",
                "flag": "checkbox",
                "day": "date",
                "instant": "text",
            }
        },
    },
    login={"email": "ann@acme.test", "api_token": "$SECRET"},
    credential_option="api_tokens",
    credential=["ann@acme.test/token:$SECRET"],
    match="external_id",
    prefix="user_fields.",
    needs={"name": {"value": "somebody"}},
    fills=frozenset({"name"}),
    forgets=True,
    account_path="/api/v2/users/me",
    jobs=True,
    remembers=True,
    conflict="422",
    hopeless=frozenset({"400"}),
)
_JOB_ROWS = 40
_SALESFORCE_BULK = replace(
    _salesforce("salesforce_bulk"),
    batch_rows=_JOB_ROWS,
    connection={"api": "bulk", "job_rows": _JOB_ROWS},
    jobs=True,
    job_calls=8,
    asks_after=True,
    hopeless=frozenset({"400", "409"}),
)
_MARKETO_BULK = replace(
    _marketo("marketo_bulk"),
    batch_rows=_JOB_ROWS,
    connection={**_marketo("").connection, "api": "bulk", "job_rows": _JOB_ROWS},
    jobs=True,
    job_calls=4,
    waits_a_run=True,
)
FORMS = (*FORMS, _PYTHON, SLACK, _MAILCHIMP, _KLAVIYO, _ZENDESK, _SALESFORCE_BULK, _MARKETO_BULK)
BY_NAME = {form.name: form for form in FORMS}
