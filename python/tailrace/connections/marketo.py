"""Marketo."""

from __future__ import annotations

import re
from collections.abc import Iterator  # noqa: TC003  (pydantic reads the annotation)
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from tailrace.connections.address import checked_base_url
from tailrace.connections.base import Can, HttpDestination, Wanted
from tailrace.connections.job_rows import check_job_rows
from tailrace.secret import Secret  # noqa: TC001  (pydantic reads the annotation)
from tailrace.spec.document import Path  # noqa: TC001
from tailrace.spec.values import Seconds, Strict, Text

_TOKEN_PATH = "/identity/oauth/token"  # noqa: S105  (a path)
_BULK_FROM = 10_000
"""From so many rows on `api: auto` makes imports."""
_LIST = re.compile(r"list:\d{1,18}\Z")

_LEADS = Can(
    modes=frozenset({"upsert", "update", "insert", "mirror"}),
    removals=frozenset({"ignore", "delete", "clear"}),
    safeties=frozenset({"read_back", "park", "duplicate_ok"}),
    changed_fields=True,
)
_MEMBERS = Can(members=True)


def _without_rest(url: str) -> str:
    """Marketo shows the address of its REST API with /rest behind it."""
    checked = checked_base_url(url)
    return checked.removesuffix("/rest")


class MarketoAuth(Strict):
    """The client of a custom service (LaunchPoint), or an access token that something else got."""

    client_id: Text | None = None
    client_secret: Secret | None = None
    token: Secret | None = None

    @model_validator(mode="after")
    def _one_login(self) -> MarketoAuth:
        by_client = self.client_id is not None and self.client_secret is not None
        none_of_it = self.client_id is None and self.client_secret is None
        if self.token is None and not by_client:
            raise ValueError("client_id and client_secret are needed, or token")
        if self.token is not None and not none_of_it:
            raise ValueError("either client_id and client_secret, or token")
        return self


class MarketoConnection(HttpDestination):
    """`base_url` is the instance's own address, and the account, whoever logs in. `api` says what
    writes leads: requests of 300, bulk imports, or either by the number of rows. `partition` is
    where new leads are made; `daily_quota` the instance's calls a day, over all integrations;
    `max_jobs` the imports that this run may have queued or at work, `job_rows` the most leads in
    one. `resend_after`: how long after an answer was lost its rows wait before they go again."""

    type: Literal["marketo"]
    base_url: Annotated[str, AfterValidator(_without_rest)]
    auth: MarketoAuth
    api: Literal["auto", "leads", "bulk"] = "auto"
    partition: Text | None = None
    daily_quota: int | None = Field(default=None, ge=1, le=100_000_000)
    max_jobs: int | None = Field(default=None, ge=1, le=10)
    job_rows: int | None = Field(default=None, ge=1, le=25_000)
    resend_after: Seconds | None = Field(default=None, ge=0, le=3600)

    @model_validator(mode="after")
    def _jobs_are_made(self) -> MarketoConnection:
        check_job_rows(self.job_rows, self.api, _BULK_FROM)
        return self

    def auth_dict(self) -> dict[str, Any]:
        """A bearer token, or what gets one. Asked early, Marketo tells the same token again, so
        that a new one is asked for when the old one has ended."""
        if self.auth.token is not None:
            return {"token": self.auth.token}
        login = {
            "grant": "client_credentials",
            "token_url": self.base_url + _TOKEN_PATH,
            "client_id": self.auth.client_id,
            "client_secret": self.auth.client_secret,
            "client_auth": "query",
            "ahead_s": 0,
        }
        return {"oauth2": login}

    def can(self, name: str) -> Can:
        """Members of a static list are put on it and taken off."""
        return _MEMBERS if name.startswith("list:") else _LEADS

    def refusals(self, wanted: Wanted) -> Iterator[tuple[Path, str]]:
        """Leads, and static lists by their ids."""
        yield from super().refusals(wanted)
        if wanted.object != "leads" and not _LIST.match(wanted.object):
            message = (
                f"destination marketo has no object {wanted.object!r}; it does leads, and list:ID"
                " for the members of a static list"
            )
            yield ("object",), message

    def core_dict(self, name: str) -> dict[str, Any]:
        """With what is particular to Marketo."""
        own = {
            "api": self.api,
            "partition": self.partition,
            "daily_quota": self.daily_quota,
            "max_jobs": self.max_jobs,
            "job_rows": self.job_rows,
            "resend_after_s": self.resend_after,
        }
        core = {**super().core_dict(name), **{k: v for k, v in own.items() if v is not None}}
        # The address is the account, whoever logs in.
        core["account"] = self.account or f"marketo:{core['base_url']}"
        return core
