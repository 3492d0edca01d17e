"""Slack: a message a row, one a request, appended. Nothing finds a message again and nothing makes
two of them one, so that what may have been posted is never posted again by itself. What append has
in common with other destinations is asked in the files beside this one."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from killed_run import kill_once
from sync_world import body, traced

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "python" / "sandbox")]

from specs import spec  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import Ended, World

POST = spec("slack/slack_web_openapi_v2.trimmed.json").document["paths"]["/chat.postMessage"][
    "post"
]


@pytest.fixture
def slack(make_world: Callable[..., World]) -> World:
    """A world whose messages are its notes: `note 0` on, one a person."""
    world = make_world("slack")
    world.declare(fields={"person_id": "note"})
    return world


def messages(world: World) -> list[dict[str, Any]]:
    """All messages that are in the channel, by their arguments."""
    return [one["values"] for one in world.sandbox.records("slack", "messages")]


def posted(world: World) -> list[str]:
    return [one["text"] for one in messages(world)]


def notes(count: int) -> list[str]:
    return sorted(f"note {n}" for n in range(count))


def say(world: World, texts: dict[str, str]) -> None:
    """A row for each text."""
    for key, text in texts.items():
        world.sql("insert into people values (?, 'low', ?)", key, text)


def faulted(world: World, rules: list[dict[str, Any]]) -> list[str]:
    """Two messages a rule, of which the first meets it; their keys. None between two that went
    well, so that the breaker stays closed."""
    world.people(2 * len(rules))
    world.sandbox.set_faults(
        [{**rule, "match": {"key": f"note {2 * at}"}} for at, rule in enumerate(rules)]
    )
    return [f"p{2 * at}" for at in range(len(rules))]


def refused(ended: Ended) -> dict[str, str]:
    """The codes of the rows that were rejected, by key."""
    assert ended.report is not None
    return {row.key: row.code for row in ended.report.rejected_sample}


# -- messages ------------------------------------------------------------------------------------


def test_a_row_is_a_message_and_every_argument_is_one_that_slack_has(slack: World) -> None:
    slack.people(3)
    ended, requests = traced(slack)
    assert (ended.code, ended.requests, ended.counts.accepted) == (0, 3, 3)
    assert sorted(posted(slack)) == notes(3)
    known = {one["name"]: one for one in POST["parameters"]}
    for entry in requests:
        sent = body(entry)
        assert sent["channel"] == "#alerts"
        assert all(known[name]["type"] == "string" for name in sent)
        needed = {name for name, one in known.items() if one.get("required")} - {"token"}
        assert needed <= set(sent)
    slack.people(1, first=3)
    assert slack.run().requests == 1
    assert slack.run().requests == 0


def test_an_empty_model_asks_whose_the_token_is_and_no_more(slack: World) -> None:
    ended = slack.run()
    assert (ended.code, ended.requests, ended.questions) == (0, 0, 1)
    slack.people(2)
    slack.settles()
    slack.sql("delete from people")
    slack.run()
    assert sorted(posted(slack)) == notes(2)
    assert slack.requests() == 2


def test_many_rows_are_a_request_each_one_after_the_other_and_arrive_once(slack: World) -> None:
    slack.people(60)
    ended = slack.settles()
    assert (ended.requests, ended.counts.accepted) == (60, 60)
    assert sorted(posted(slack)) == notes(60)
    assert [one["rows"] for one in slack.log()] == [1] * 60
    assert slack.sandbox.counters("slack")["max_in_flight"] == 1


def test_rows_that_say_the_same_are_a_message_each(slack: World) -> None:
    slack.people(5)
    slack.sql("update people set note = 'the same' where person_id < 'p3'")
    ended = slack.run(compared=False)
    assert (ended.code, ended.counts.accepted, ended.counts.invalid) == (0, 5, 0)
    assert sorted(posted(slack)) == ["note 3", "note 4", *["the same"] * 3]
    assert slack.run(compared=False).requests == 0


@pytest.mark.parametrize(
    ("mode", "after"),
    [("append", ["new", "note 0", "note 1", "note 1"]), ("insert", ["note 0", "note 1"])],
)
def test_a_changed_row_is_another_message_where_versions_are_appended(
    slack: World, mode: str, after: list[str]
) -> None:
    slack.declare(mode=mode)
    slack.people(2)
    slack.settles()
    for note in ("new", "note 1"):
        slack.sql("update people set note = ? where person_id = 'p1'", note)
        ended = slack.run(compared=False)
        assert (ended.code, ended.requests) == (0, 1 if mode == "append" else 0)
    slack.sql("delete from people where person_id = 'p0'")
    assert slack.run(compared=False).requests == 0
    assert sorted(posted(slack)) == after


def test_a_full_refresh_posts_nothing_again(slack: World) -> None:
    slack.people(2)
    slack.settles()
    ended = slack.run(full_refresh=True)
    assert (ended.code, ended.requests, ended.counts.unchanged) == (0, 0, 2)
    assert sorted(posted(slack)) == notes(2)


# -- values --------------------------------------------------------------------------------------

TEXTS = {
    "slack's own signs": "a < b & c > d, <!channel> <@U1> <https://a.test/?x=1&y=2|here>",
    "escaped before": "a &lt; b &amp; c &gt; d",
    "markup": "*bold* _slanted_ ~gone~ `code` ```block```\n> quoted\n• one",
    "emoji": "ok 👍🏽 👩‍👩‍👧 :tada:",
    "wide": "東京 Владимир عربى Zoë Ångström",
    "combining": "e\u0301 \u200b\u202e \ufeff",
    "control": "\x01\x08\x0b\x1f\x7f\u0085\u2028",
    "lines": "one\ntwo\r\nthree\ttabbed",
    "quotes": "\"no\" 'yes' \\ / \\n \\u0041 \\N",
    "places": "{key} {match} $row $match ${token} %41",
    "words": "NULL",
    "digits": "007",
    "spaces": "  kept  ",
}


def test_texts_arrive_as_they_are(slack: World) -> None:
    say(slack, TEXTS)
    slack.settles()
    assert sorted(posted(slack)) == sorted(TEXTS.values())


VALUES = {
    "bigint": ("9007199254740993", "9007199254740993"),
    "the least bigint": ("(-9223372036854775807 - 1)::bigint", "-9223372036854775808"),
    "decimal": (
        "'1234567890123456789012345678.0123456789'::decimal(38, 10)",
        "1234567890123456789012345678.0123456789",
    ),
    "decimal zeros": ("1602251441.001700::decimal(16, 6)", "1602251441.001700"),
    "double": ("0.1::double", "0.1"),
    "date": ("'2024-02-29'::date", "2024-02-29"),
    "timestamp": ("'2024-02-29 12:34:56.789012'::timestamp", "2024-02-29T12:34:56.789012"),
    "timestamptz": ("'2024-02-29 12:34:56.5+02'::timestamptz", "2024-02-29T10:34:56.5Z"),
    "json": ("""'{"a": [1, 2]}'::json""", '{"a": [1, 2]}'),
}


@pytest.mark.parametrize(("value", "text"), VALUES.values(), ids=VALUES)
def test_values_of_other_types_are_texts_to_the_last_digit(
    slack: World, value: str, text: str
) -> None:
    slack.declare(fields={"person_id": "note", "level": "note"})
    slack.sql(f"create or replace table people as select 'p1' as person_id, {value} as note")
    assert slack.run(compared=False).code == 0
    (message,) = messages(slack)
    assert (message["text"], message["username"]) == (text, text)
    assert slack.run(compared=False).requests == 0


@pytest.mark.parametrize("value", ["true", "['a', 'b']", "{'a': 1}"], ids=["flag", "list", "map"])
def test_a_text_that_is_none_ends_the_run_before_a_second_is_tried(
    slack: World, value: str
) -> None:
    slack.sql(
        "create or replace table people as"
        f" select 'p' || i as person_id, {value} as note from range(3) as t(i)"
    )
    ended = slack.run(compared=False)
    assert (ended.code, ended.requests, ended.counts.not_attempted) == (2, 1, 3)
    assert "invalid_arguments" in str(ended.error)
    assert posted(slack) == []


@pytest.mark.parametrize("value", ["'nan'::double", "'inf'::double"], ids=["nan", "infinite"])
def test_a_number_that_is_none_makes_its_row_invalid(slack: World, value: str) -> None:
    slack.sql(
        "create or replace table people as "
        f"select 'p1' as person_id, 0.5::double as note union all select 'p2', {value}"
    )
    ended = slack.run(compared=False)
    assert (ended.code, ended.counts.invalid, ended.counts.accepted) == (1, 1, 1)
    assert posted(slack) == ["0.5"]


@pytest.mark.parametrize(("nulls", "sent"), [("clear", {"username": None}), ("keep", {})])
def test_an_argument_that_is_null_is_null_or_left_out(
    slack: World, nulls: str, sent: dict[str, Any]
) -> None:
    fields = {"person_id": "note", "level": {"column": "level", "nulls": nulls}}
    slack.declare(fields=fields)
    slack.people(2)
    slack.sql("update people set level = null where person_id = 'p1'")
    ended, requests = traced(slack, compared=False)
    assert (ended.code, ended.counts.accepted) == (0, 2)
    bodies = sorted((body(entry) for entry in requests), key=lambda one: str(one["text"]))
    assert bodies == [
        {"channel": "#alerts", "text": "note 0", "username": "low"},
        {"channel": "#alerts", "text": "note 1", **sent},
    ]


def test_a_row_without_a_text_is_rejected_and_the_others_are_posted(slack: World) -> None:
    slack.people(3)
    slack.sql("insert into people values ('p7', 'low', null), ('p8', 'low', '')")
    ended = slack.run(compared=False)
    assert (ended.code, ended.counts.accepted) == (1, 3)
    assert refused(ended) == {"p7": "no_text", "p8": "no_text"}
    assert sorted(posted(slack)) == notes(3)
    again = slack.run(compared=False)
    assert (again.code, again.requests, again.counts.rejected) == (1, 0, 2)
    slack.sql("update people set note = 'note 3' where person_id = 'p7'")
    slack.sql("update people set note = 'note 4' where person_id = 'p8'")
    slack.settles()
    assert sorted(posted(slack)) == notes(5)


def test_blocks_are_a_list_and_what_is_none_is_rejected_alone(slack: World) -> None:
    slack.declare(fields={"person_id": "note", "blocks": "blocks"})
    slack.sql(
        """create or replace table people as select 'p' || i as person_id, 'note ' || i as note,
        [{'type': case when i <> 1 then 'section' end,
          'text': {'type': 'plain_text', 'text': 'a < b 👍', 'emoji': i = 0}, 'width': i}] as blocks
        from range(3) as t(i)"""
    )
    ended = slack.run(compared=False)
    assert (ended.code, ended.counts.accepted) == (1, 2)
    assert refused(ended) == {"p1": "invalid_blocks"}
    held = {one["text"]: one["blocks"] for one in messages(slack)}
    texts = {"type": "plain_text", "text": "a < b 👍"}
    assert held == {
        "note 0": [{"type": "section", "text": {**texts, "emoji": True}, "width": 0}],
        "note 2": [{"type": "section", "text": {**texts, "emoji": False}, "width": 2}],
    }


# -- sizes ---------------------------------------------------------------------------------------


def test_a_text_is_measured_in_characters_and_a_longer_one_is_rejected_alone(slack: World) -> None:
    texts = {"p0": "x" * 40_000, "p1": "👍" * 40_000, "p2": "x" * 40_001, "p3": "after"}
    say(slack, texts)
    ended = slack.run()
    assert (ended.code, ended.counts.accepted, ended.requests) == (1, 3, 4)
    assert refused(ended) == {"p2": "msg_too_long"}
    del texts["p2"]
    assert sorted(posted(slack)) == sorted(texts.values())


def test_a_row_larger_than_any_request_is_rejected_unsent(slack: World) -> None:
    say(slack, {"p0": "x" * 1_100_000, "p1": "after"})
    ended = slack.run()
    assert (ended.code, ended.counts.rejected, ended.requests) == (1, 1, 1)
    assert refused(ended) == {"p0": "row_too_large"}
    assert posted(slack) == ["after"]


# -- limits --------------------------------------------------------------------------------------


def test_slacks_own_limit_is_waited_for(slack: World) -> None:
    slack.sandbox.set_limits({"slack": {"per_channel_ms": 400, "minute": 300}})
    slack.people(3)
    ended = slack.run()
    assert (ended.code, ended.counts.accepted) == (0, 3)
    assert sorted(posted(slack)) == notes(3)


def test_a_message_that_was_put_off_is_posted_once(slack: World) -> None:
    slack.people(4)
    slack.sandbox.set_faults([{"match": {"nth": [1, 2, 4]}, "do": "429", "retry_after": 1}])
    ended = slack.settles()
    assert ended.report is not None
    assert (ended.requests, ended.report.http.rate_limited) == (7, 3)
    assert sorted(posted(slack)) == notes(4)
    for sooner, later in itertools.pairwise(slack.log()):
        if sooner["status"] == 429:
            assert later["at_ms"] - sooner["at_ms"] >= 1000


def test_left_to_itself_a_channel_gets_a_message_a_second(slack: World) -> None:
    del slack.connection["limits"]
    slack.write()
    slack.people(3)
    slack.settles()
    first, *_, last = [one["at_ms"] for one in slack.log()]
    assert last - first > 1000


# -- what Slack says, and does not say -----------------------------------------------------------


def test_what_slack_says_it_did_not_do_is_tried_again(slack: World) -> None:
    slack.people(4)
    words = ["service_unavailable", "ratelimited", "request_timeout"]
    slack.sandbox.set_faults(
        [{"match": {"nth": n}, "do": "503", "policy": word} for n, word in enumerate(words, 1)]
    )
    ended = slack.settles()
    assert (ended.counts.accepted, ended.requests) == (4, 7)
    assert sorted(posted(slack)) == notes(4)


WORDS = POST["responses"]["default"]["schema"]["properties"]["error"]["enum"]


def test_no_refusal_that_slack_describes_leaves_a_row_in_doubt(slack: World) -> None:
    for at, word in enumerate(WORDS):
        slack.sql("delete from people")
        slack.people(1, first=at)
        slack.sandbox.set_faults([{"match": {"nth": 1}, "do": "403", "policy": word}])
        ended = slack.run(compared=False)
        assert ended.counts.unknown == 0, word
        said = [ended.counts.accepted, ended.counts.rejected, ended.counts.not_attempted]
        assert sorted(said) == [0, 0, 1], word
        assert (ended.code == 0) == (word == "rate_limited"), word
    assert slack.created() == 1
    assert not any(row["code"] == "parked" for row in slack.project().rejected("people"))


# Each with whether the message is posted behind the answer.
IN_DOUBT: tuple[tuple[dict[str, Any], bool], ...] = (
    ({"do": "500"}, False),
    ({"do": "500", "applied": True}, True),
    ({"do": "502", "applied": True}, True),
    ({"do": "503"}, False),
    ({"do": "503", "applied": True}, True),
    ({"do": "504", "applied": True}, True),
    ({"do": "500", "policy": "internal_error", "applied": True}, True),
    ({"do": "500", "policy": "fatal_error"}, False),
    ({"do": "403", "policy": "a_word_of_tomorrow"}, False),
    ({"do": "reset_before"}, False),
    ({"do": "reset_before", "how": "fin"}, False),
    ({"do": "apply_then_reset"}, True),
    ({"do": "apply_then_reset", "how": "fin"}, True),
    ({"do": "reset_mid_body"}, True),
    ({"do": "truncated", "applied": False}, False),
    ({"do": "truncated"}, True),
    ({"do": "html200"}, False),
    ({"do": "html200", "applied": True}, True),
    ({"do": "empty200"}, False),
    ({"do": "empty200", "applied": True}, True),
    ({"do": "okfalse200"}, False),
    ({"do": "bad_json"}, True),
    ({"do": "wrong_charset"}, True),
    ({"do": "gzip_bomb", "megabytes": 40}, True),
    ({"do": "redirect", "to": "/elsewhere"}, False),
)


def test_what_may_have_been_posted_is_neither_accepted_nor_posted_again(slack: World) -> None:
    doubtful = faulted(slack, [rule for rule, _ in IN_DOUBT])
    ended = slack.run(counted=False)
    assert (ended.code, ended.counts.unknown) == (5, len(IN_DOUBT))
    assert (ended.counts.accepted, ended.counts.rejected) == (len(IN_DOUBT), 0)
    there = sorted(f"note {n}" for n in range(2 * len(IN_DOUBT)) if n % 2 or IN_DOUBT[n // 2][1])
    assert sorted(posted(slack)) == there
    slack.sandbox.set_faults([])
    for _ in range(2):
        again = slack.run()
        assert (again.code, again.requests, again.counts.rejected) == (1, 0, len(IN_DOUBT))
    parked = {row["key"]: row["code"] for row in slack.project().rejected("people")}
    assert parked == dict.fromkeys(doubtful, "parked")
    assert sorted(posted(slack)) == there


def test_a_parked_message_goes_again_or_not_as_a_person_says(slack: World) -> None:
    slack.people(3)
    slack.sandbox.set_faults(
        [
            {"match": {"key": "note 0"}, "do": "apply_then_reset"},
            {"match": {"key": "note 2"}, "do": "reset_before"},
        ]
    )
    assert slack.run().counts.unknown == 2
    slack.sandbox.set_faults([])
    assert slack.run().counts.rejected == 2
    project = slack.project()
    project.deliver("people", "p0")
    project.retry("people", "p2")
    assert slack.settles().counts.accepted == 1
    assert sorted(posted(slack)) == notes(3)


def test_a_parked_version_does_not_hold_up_the_next_one(slack: World) -> None:
    slack.people(1)
    slack.sandbox.set_faults([{"do": "apply_then_reset"}])
    assert slack.run().counts.unknown == 1
    slack.sandbox.set_faults([])
    assert slack.run().counts.rejected == 1
    slack.sql("update people set note = 'new'")
    assert slack.run().counts.accepted == 1
    assert sorted(posted(slack)) == ["new", "note 0"]


def test_a_message_goes_twice_only_where_that_was_asked_for(
    slack: World, timing: Callable[..., None]
) -> None:
    slack.declare(insert_safety="duplicate_ok")
    slack.people(2)
    slack.sandbox.set_faults([{"match": {"key": "note 1"}, "do": "apply_then_reset", "times": 1}])
    timing(quiet_s=0)
    slack.run()
    ended = slack.run()
    assert ended.error is None
    assert sorted(posted(slack)) == ["note 0", "note 1", "note 1"]


def test_an_answer_slower_than_the_timeout_leaves_its_row_in_doubt(slack: World) -> None:
    slack.connect(timeout="500ms")
    slack.people(2)
    slack.sandbox.set_faults([{"match": {"key": "note 0"}, "do": "slow_body", "seconds": 5}])
    ended = slack.run()
    assert (ended.code, ended.counts.unknown, ended.counts.accepted) == (5, 1, 1)
    slack.sandbox.set_faults([])
    assert slack.run().counts.rejected == 1
    assert sorted(posted(slack)) == notes(2)


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word", ["token_revoked", "account_inactive", "is_archived", "no_permission"]
)
def test_a_login_or_a_channel_that_goes_in_mid_run_ends_it(slack: World, word: str) -> None:
    slack.people(8)
    slack.sandbox.set_faults(
        [{"match": {"nth": n}, "do": "403", "policy": word} for n in range(4, 9)]
    )
    ended = slack.run()
    assert (ended.code, ended.requests) == (2, 4)
    assert (ended.counts.accepted, ended.counts.not_attempted) == (3, 5)
    assert (ended.counts.unknown, ended.counts.rejected) == (0, 0)
    assert word in str(ended.error)
    assert len(posted(slack)) == 3
    slack.sandbox.set_faults([])
    assert slack.settles().requests == 5
    assert sorted(posted(slack)) == notes(8)


@pytest.mark.parametrize(
    ("channel", "word"),
    [("#nowhere", "channel_not_found"), ("#old", "is_archived"), ("#secret", "not_in_channel")],
)
def test_a_channel_that_takes_nothing_ends_the_run_at_its_first_message(
    make_world: Callable[..., World], channel: str, word: str
) -> None:
    world = make_world("slack")
    world.connect(channel=channel)
    world.people(5)
    ended = world.run()
    assert (ended.code, ended.requests, ended.counts.not_attempted) == (2, 1, 5)
    assert word in str(ended.error)


def test_an_argument_that_slack_does_not_have_ends_the_run_at_its_first_message(
    slack: World,
) -> None:
    slack.declare(fields={"person_id": "note", "colour": "level"})
    slack.people(5)
    ended = slack.run()
    assert (ended.code, ended.requests, ended.counts.not_attempted) == (2, 1, 5)
    assert "invalid_arguments" in str(ended.error)


def test_a_message_that_slack_does_not_take_is_rejected_and_stays_so(slack: World) -> None:
    words = ["no_text", "invalid_blocks_format", "too_many_attachments", "invalid_thread_ts"]
    slack.people(8)
    slack.sandbox.set_faults(
        [
            {"match": {"key": f"note {n}"}, "do": "403", "policy": word}
            for n, word in enumerate(words)
        ]
    )
    ended = slack.run()
    assert (ended.code, ended.counts.accepted) == (1, 4)
    assert refused(ended) == {f"p{n}": word for n, word in enumerate(words)}
    slack.sandbox.set_faults([])
    again = slack.run()
    assert (again.code, again.requests, again.counts.rejected) == (1, 0, 4)
    assert slack.project().retry("people") == 4
    assert slack.settles().counts.accepted == 4
    assert sorted(posted(slack)) == notes(8)


# -- stops ---------------------------------------------------------------------------------------


def test_a_stop_leaves_the_message_under_way_in_doubt_and_the_others_to_the_next_run(
    slack: World,
) -> None:
    slack.people(5)
    slack.sandbox.set_faults([{"match": {"nth": 3}, "do": "timeout", "seconds": 30}])
    started: list[float] = []

    def look(_: object) -> None:
        if slack.requests() >= 3:
            started.append(time.monotonic())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        slack.project().run("people", progress=look)
    assert time.monotonic() - started[0] < 10
    (run,) = slack.project().runs("people", 1)
    counts = run["report"]["counts"]
    assert (counts["accepted"], counts["unknown"], counts["not_attempted"]) == (2, 1, 2)
    slack.sandbox.set_faults([])
    ended = slack.run(counted=False)
    assert (ended.counts.accepted, ended.counts.rejected) == (2, 1)
    assert len(posted(slack)) == 4
    assert slack.run().requests == 0


def test_a_killed_run_leaves_few_messages_in_doubt_and_none_is_posted_twice(slack: World) -> None:
    slack.people(20)
    slack.sandbox.set_faults([{"match": {"nth": 4}, "do": "slow_body", "seconds": 30}])
    kill_once(lambda: slack.created() >= 4, slack.folder, slack.environment)
    there = set(posted(slack))
    slack.sandbox.set_faults([])
    ended = slack.run(counted=False)
    # The one under way, and those that were on record as next.
    doubtful = ended.counts.rejected
    assert 1 <= doubtful <= 9
    assert (ended.counts.unchanged, ended.counts.accepted) == (3, 17 - doubtful)
    assert len(posted(slack)) == len(set(posted(slack))) == 21 - doubtful
    project = slack.project()
    for row in project.rejected("people"):
        assert row["code"] == "parked"
        if row["key"].replace("p", "note ") in there:
            project.deliver("people", row["key"])
        else:
            project.retry("people", row["key"])
    assert slack.settles().requests == doubtful - 1
    assert sorted(posted(slack)) == notes(20)
