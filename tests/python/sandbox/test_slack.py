"""Slack's sandbox: messages that are posted as often as they are sent, refusals of status 200."""

from __future__ import annotations

from typing import Any

import pytest
from specs import spec

from tailrace.sandbox.slack.facts import MEMBERS

POST = "/api/chat.postMessage"
SPEC = spec("slack/slack_web_openapi_v2.trimmed.json")


@pytest.fixture
def workspace(slack: Any) -> Any:
    return slack(channels=["alerts", "other"], archived=["old"], foreign=["secret"])


def post(workspace: Any, **body: Any) -> Any:
    return workspace("POST", POST, {"channel": "#alerts", **body})


def stored(workspace: Any) -> list[dict[str, Any]]:
    return [one.values for one in workspace.vendor.collections()["messages"]]


def test_a_message_is_posted_as_often_as_it_is_sent(workspace: Any) -> None:
    answers = [post(workspace, text="Hello").body for _ in range(2)]
    assert [one["ok"] for one in answers] == [True, True]
    assert answers[0]["ts"] != answers[1]["ts"]
    assert [one["text"] for one in stored(workspace)] == ["Hello", "Hello"]
    assert stored(workspace)[0]["channel"] == "alerts"
    by_id = workspace("POST", POST, {"channel": answers[0]["channel"], "text": "x"})
    assert by_id.body["ok"] is True


def test_a_form_is_taken_too(workspace: Any) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    body = b'channel=alerts&text=a+b&blocks=[{"type":"divider"}]'
    assert workspace("POST", POST, body, form).body["ok"] is True
    assert (stored(workspace)[0]["text"], stored(workspace)[0]["blocks"]) == (
        *("a b",),
        [{"type": "divider"}],
    )


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"channel": "nowhere", "text": "x"}, "channel_not_found"),
        ({"channel": 5, "text": "x"}, "channel_not_found"),
        ({"channel": "old", "text": "x"}, "is_archived"),
        ({"channel": "secret", "text": "x"}, "not_in_channel"),
        ({}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": 5}, "invalid_arguments"),
        ({"text": "x", "colour": "red"}, "invalid_arguments"),
        ({"blocks": [{}]}, "invalid_blocks"),
        ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
    ],
)
def test_what_cannot_be_posted_is_said_in_an_answer_of_status_200(
    workspace: Any, body: Any, word: str
) -> None:
    reply = post(workspace, **body)
    assert (reply.status, reply.body) == (200, {"ok": False, "error": word})
    assert stored(workspace) == []


def test_requests_that_are_none_are_refused(workspace: Any) -> None:
    assert workspace("POST", POST, b"{").body["error"] == "invalid_json"
    assert workspace("POST", POST, []).body["error"] == "json_not_object"
    text = {"content-type": "text/plain"}
    assert workspace("POST", POST, b"x", text).body["error"] == "invalid_post_type"
    assert workspace("GET", POST).body["error"] == "unknown_method"


def test_a_token_is_needed(slack: Any) -> None:
    workspace = slack(tokens=["xoxb-1"])
    assert post(workspace, text="x").body["error"] == "invalid_auth"
    workspace.headers["authorization"] = "Bearer xoxb-1"
    assert workspace("POST", "/api/auth.test").body["team"] == "Sandbox"
    del workspace.headers["authorization"]
    assert workspace("GET", "/api/auth.test").body["error"] == "not_authed"


def test_a_channel_takes_a_message_a_second(slack: Any, clock: Any) -> None:
    workspace = slack(channels=["a", "b"], limits="standard")

    def status(channel: str) -> int:
        return int(workspace("POST", POST, {"channel": channel, "text": "x"}).status)

    assert [status("a"), status("a"), status("b")] == [200, 429, 200]
    clock.now += 0.5
    reply = workspace("POST", POST, {"channel": "a", "text": "x"})
    assert (reply.body["error"], dict(reply.headers)["Retry-After"]) == ("ratelimited", "1")
    clock.now += 0.5
    assert status("a") == 200
    tight = slack(channels=["a", "b"], limits={"per_channel_ms": 1, "minute": 1})
    assert tight("POST", POST, {"channel": "a", "text": "x"}).status == 200
    reply = tight("POST", POST, {"channel": "b", "text": "x"})
    assert (reply.status, dict(reply.headers)["Retry-After"]) == (429, "60")


def test_a_webhook_answers_in_plain_text(slack: Any) -> None:
    workspace = slack(channels=["alerts"], webhooks=["T1/B1/x"])
    del workspace.headers["authorization"]
    reply = workspace("POST", "/services/T1/B1/x", {"text": "Hello"})
    assert (reply.status, reply.payload(), reply.content_type) == (
        *(200, b"ok"),
        "text/plain; charset=utf-8",
    )
    assert stored(workspace)[0]["channel"] == "alerts"
    assert workspace("POST", "/services/T1/B1/y", {"text": "x"}).payload() == b"no_service"
    assert workspace("POST", "/services/T1/B1/x", b"{").payload() == b"invalid_payload"
    assert workspace("POST", "/services/T1/B1/x", {}).payload() == b"no_text"


def test_channels_are_listed(workspace: Any) -> None:
    listed = workspace("GET", "/api/conversations.list?exclude_archived=true").body["channels"]
    assert [(one["name"], one["is_member"]) for one in listed] == [
        ("alerts", True),
        ("other", True),
        ("secret", False),
    ]
    assert len(workspace("GET", "/api/conversations.list").body["channels"]) == 4


def test_the_description_names_what_is_sent_and_answered(workspace: Any) -> None:
    (operation,) = SPEC.document["paths"]["/chat.postMessage"].values()
    named = {one["name"] for one in operation["parameters"]}
    assert named <= MEMBERS
    answer = post(workspace, text="x").body
    example = operation["responses"]["200"]["examples"]["application/json"]
    assert answer.keys() <= example.keys()


@pytest.mark.parametrize(
    ("rule", "status", "word"),
    [
        ({"do": "401_once"}, 200, "invalid_auth"),
        ({"do": 429, "retry_after": 3}, 429, "ratelimited"),
        ({"do": 500, "policy": "fatal_error"}, 200, "fatal_error"),
        ({"do": "partial_207", "ok_share": 0.0, "code": "msg_too_long"}, 200, "msg_too_long"),
    ],
)
def test_faults_speak_as_the_vendor_does(start: Any, rule: Any, status: int, word: str) -> None:
    sandbox, client = start({"vendors": {"slack": {}}, "faults": [{**rule, "times": 1}]})
    answer = client("POST", POST, {"channel": "general", "text": "x"})
    assert (answer.status, answer.json()["error"]) == (status, word)
    assert sandbox.records("slack", "messages") == []
