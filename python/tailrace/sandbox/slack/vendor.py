"""Slack's sandbox: a workspace with its channels and the messages that were posted there.

Refusals have the status 200 and ``ok: false``; only a limit has one of its own, 429. There is no
idempotency key: what is sent twice is posted twice.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl

from tailrace.sandbox.auth import Auth
from tailrace.sandbox.config import texts
from tailrace.sandbox.limits import SlidingWindow, limits_from
from tailrace.sandbox.records import Collection
from tailrace.sandbox.routes import Routes, route
from tailrace.sandbox.slack import facts
from tailrace.sandbox.vendor import Call, Setting, Vendor
from tailrace.sandbox.wire import BadJsonError, Json, RefusalError, Reply, Request, read_json

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from tailrace.sandbox.records import Record

_WHERE = "vendors.slack"
_WEBHOOK = "/services/"
_METHODS = ("chat.postMessage", "auth.test", "conversations.list")


class Slack(Vendor):
    """A Slack workspace.

    Options: ``tokens`` (where none is given any is good), ``limits`` (standard, none, or
    ``{per_channel_ms, minute}``), ``channels`` (names; the app is in all of them), ``archived`` and
    ``foreign`` (names of channels that are archived, or that the app is not in), ``webhooks`` (the
    last parts of their addresses, each of which posts to the first channel), ``account_id`` (whose
    tokens they are), ``max_body_bytes``.
    """

    name: ClassVar[str] = "slack"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {
            *("tokens", "limits", "channels", "archived", "foreign", "webhooks", "account_id"),
            "max_body_bytes",
        }
    )
    LIMIT_NAMES: ClassVar[frozenset[str]] = frozenset({"none", *facts.LIMITS})
    max_body_bytes = 1_000_000

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        options = setting.options
        self._auth = Auth("bearer", texts(options, "tokens", _WHERE))
        self._names = texts(options, "channels", _WHERE) or facts.DEFAULT_CHANNELS
        self._archived = texts(options, "archived", _WHERE)
        self._foreign = texts(options, "foreign", _WHERE)
        self._account_id = str(options.get("account_id", "T0SANDBOX"))
        self._webhooks = texts(options, "webhooks", _WHERE)
        self._routes = Routes(
            [
                route("POST", "/api/chat.postMessage", self._read_post),
                route("POST", "/api/auth.test", self._read_test),
                route("GET", "/api/auth.test", self._read_test),
                route("GET", "/api/conversations.list", self._read_channels),
                route("POST", rf"{_WEBHOOK}(?P<hook>[\w/]+)", self._read_webhook),
            ]
        )
        self.set_limits(options.get("limits", "standard"))
        self.reset()

    def serves(self, path: str) -> bool:
        return path.startswith(_WEBHOOK) or path in [f"/api/{name}" for name in _METHODS]

    # -- login and limits ------------------------------------------------------------------------

    def principal(self, request: Request) -> str:
        if request.path.startswith(_WEBHOOK):
            return "webhook"
        principal = self._auth.principal(request)
        if principal is None:
            named = "authorization" in request.headers
            raise RefusalError(_refused("invalid_auth" if named else "not_authed"))
        return principal

    def set_limits(self, limits: Any) -> None:
        """``standard``, ``none``, or ``{per_channel_ms, minute}``; the workspace's."""
        asked = limits_from(limits, facts.LIMITS, ("per_channel_ms", "minute"), _WHERE)
        self._channel_s = asked["per_channel_ms"] / 1000 if asked is not None else None
        self._last: dict[str, float] = {}
        self._minute: SlidingWindow | None = None
        if asked is not None and "minute" in asked:
            self._minute = SlidingWindow(asked["minute"], 60.0, self.clock)

    def admit(self, principal: str, request: Request) -> list[tuple[str, str]]:  # noqa: ARG002
        # What a message's limit is hangs on its channel, which is known once it was read.
        return []

    def _take(self, channel: str) -> None:
        """Take a message in a channel. Raises RefusalError (429)."""
        if self._channel_s is None:
            return
        now = self.clock()
        wait_s = self._last.get(channel, now - self._channel_s) + self._channel_s - now
        if wait_s <= 0 and self._minute is not None:
            grant = self._minute.take()
            wait_s = 0.0 if grant.allowed else grant.wait_s
        if wait_s > 0:
            refused = _limited()
            refused.headers.append(("Retry-After", str(max(1, math.ceil(wait_s)))))
            raise RefusalError(refused)
        self._last[channel] = now

    # -- requests --------------------------------------------------------------------------------

    def read(self, request: Request) -> Call:
        call = self._routes.read(request)
        if call is None:
            raise RefusalError(_refused("unknown_method"))
        return call

    def _read_post(self, request: Request, _match: re.Match[str]) -> Call:
        body = _body_of(request)
        one = self._channel(body.get("channel"))
        problem = _problem(body)
        if problem:
            raise RefusalError(_refused(problem))

        def run(call: Call) -> Reply:
            self._take(one.id)
            if 0 in call.refuse:
                call.rejected = 1
                return _refused(call.refuse_code or "invalid_blocks")
            posted = self._posted(call, one, body)
            told = {"type": "message", "text": body.get("text", ""), "ts": posted.values["ts"]}
            return Reply(200, {"ok": True, "channel": one.id, "ts": told["ts"], "message": told})

        return Call("post", "messages", [_key(body)], run)

    def _posted(self, call: Call, one: Record, body: Mapping[str, Any]) -> Record:
        self._made += 1
        moment = f"{self.wall_ms() // 1000}.{self._made:06d}"
        values = {name: value for name, value in body.items() if name != "token"}
        values.update(channel=one.values["name"], ts=moment)
        call.applied = 1
        return self._messages.create(values, self.wall_ms(), key=_key(body))

    def _channel(self, named: Json) -> Record:
        """The channel of an id or a name. Raises RefusalError."""
        text = named.removeprefix("#") if isinstance(named, str) else ""
        one = self._channels.get(text) or self._channels.find("name", text)
        if one is None:
            raise RefusalError(_refused("channel_not_found"))
        if one.values["name"] in self._archived:
            raise RefusalError(_refused("is_archived"))
        if one.values["name"] in self._foreign:
            raise RefusalError(_refused("not_in_channel"))
        return one

    def _read_webhook(self, request: Request, match: re.Match[str]) -> Call:
        if self._webhooks and match["hook"] not in self._webhooks:
            raise RefusalError(_plain(404, "no_service"))
        try:
            body = read_json(request.body)
        except BadJsonError:
            body = None
        if not isinstance(body, dict):
            raise RefusalError(_plain(400, "invalid_payload"))
        problem = _problem({**body, "channel": ""})
        if problem:
            raise RefusalError(_plain(400, problem))
        one = self._channel(self._names[0])

        def run(call: Call) -> Reply:
            self._take(one.id)
            self._posted(call, one, body)
            return _plain(200, "ok")

        return Call("post", "messages", [_key(body)], run)

    def _read_test(self, _request: Request, _match: re.Match[str]) -> Call:
        body = {"ok": True, "team": "Sandbox", "team_id": self._account_id, "user_id": "U0SANDBOX"}
        body.update(url="https://sandbox.slack.com/", user="tailrace", bot_id="B0SANDBOX")
        return Call("details", "account", [], lambda _: Reply(200, body))

    def _read_channels(self, request: Request, _match: re.Match[str]) -> Call:
        hides = request.query.get("exclude_archived") == "true"

        def run(_: Call) -> Reply:
            listed = [
                {
                    "id": one.id,
                    "name": one.values["name"],
                    "is_channel": True,
                    "is_archived": one.values["name"] in self._archived,
                    "is_member": one.values["name"] not in self._foreign,
                }
                for one in self._channels
                if not (hides and one.values["name"] in self._archived)
            ]
            meta = {"next_cursor": ""}
            return Reply(200, {"ok": True, "channels": listed, "response_metadata": meta})

        return Call("channels", "channels", [], run)

    # -- the rest of a vendor --------------------------------------------------------------------

    def refusal(self, status: int, message: str, **extra: Any) -> Reply:
        """``policy`` may be one of Slack's words, which comes with the status 200."""
        policy = str(extra.get("policy", ""))
        if status == 429:
            return _limited()
        word = policy if policy not in ("", "DAILY") else facts.BY_STATUS.get(status, "")
        return _refused(word) if word else _plain(status, message)

    def results(self, body: Json) -> list[Json] | None:  # noqa: ARG002
        return None

    def collections(self) -> Mapping[str, Collection]:
        return {"messages": self._messages, "channels": self._channels}

    def reset(self) -> None:
        self._messages = Collection("messages")
        self._channels = Collection("channels", ("name",))
        self._made = 0
        for name in dict.fromkeys((*self._names, *self._archived, *self._foreign)):
            number = f"C{len(self._channels) + 1:08d}"
            self._channels.create({"name": name}, self.wall_ms(), key=name, record_id=number)


def _problem(body: Mapping[str, Any]) -> str:
    """Why a message cannot be posted, in Slack's words."""
    text, blocks = body.get("text") or "", body.get("blocks") or []
    attachments = body.get("attachments") or []
    if body.keys() - facts.MEMBERS or not isinstance(text, str):
        return "invalid_arguments"
    if not _are_blocks(blocks):
        return "invalid_blocks"
    if not isinstance(attachments, list) or len(attachments) > facts.MAX_ATTACHMENTS:
        return "too_many_attachments"
    if not text and not blocks and not attachments:
        return "no_text"
    return "msg_too_long" if len(text) > facts.MAX_TEXT else ""


def _are_blocks(blocks: Json) -> bool:
    if not isinstance(blocks, list) or len(blocks) > facts.MAX_BLOCKS:
        return False
    return all(isinstance(one, dict) and isinstance(one.get("type"), str) for one in blocks)


def _key(body: Mapping[str, Any]) -> str:
    return str(body.get("text") or "")[:80]


def _refused(word: str) -> Reply:
    return Reply(200, {"ok": False, "error": word})


def _limited() -> Reply:
    return Reply(429, {"ok": False, "error": "ratelimited"})


def _plain(status: int, word: str) -> Reply:
    return Reply(status, word.encode("utf-8", "replace"), [], "text/plain; charset=utf-8")


def _body_of(request: Request) -> dict[str, Any]:
    """The arguments of a call, as JSON or as a form. Raises RefusalError."""
    if request.content_type == "application/x-www-form-urlencoded":
        form: dict[str, Any] = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        for name in ("blocks", "attachments"):
            if name in form:
                form[name] = _json_of(form[name].encode())
        return form
    if request.content_type != "application/json":
        raise RefusalError(_refused("invalid_post_type"))
    body = _json_of(request.body)
    if not isinstance(body, dict):
        raise RefusalError(_refused("json_not_object"))
    return body


def _json_of(data: bytes) -> Json:
    try:
        return read_json(data)
    except BadJsonError:
        raise RefusalError(_refused("invalid_json")) from None
