"""The page for people: readable, searchable, and safe with whatever rows hold."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest

FREE = {"limits": "none"}
UPSERT = "/crm/v3/objects/contacts/batch/upsert"

Start = Any


class Reader(HTMLParser):
    """The text, links and tags of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def read(client: Any, target: str = "/") -> Reader:
    answer = client("GET", target)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Reader(answer.body.decode())


def test_an_empty_sandbox_has_a_page(start: Start) -> None:
    _, client = start(FREE)
    page = read(client)
    assert "contacts 0" in page.text
    assert "nothing yet" in page.text


def test_records_and_requests_are_shown(start: Start, contact: Any) -> None:
    _, client = start(FREE)
    inputs = [contact("ada@b.co", "1", firstname="Ada"), contact("bob@b.co", "2")]
    client("POST", UPSERT, {"inputs": inputs})
    client("POST", UPSERT, {"inputs": inputs[:1]})
    page = read(client)
    for expected in ("ada@b.co", "Ada", "2 created", "1 updated", "POST " + UPSERT, "2 × 200"):
        assert expected in page.text
    assert "2×" in page.text


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "'><img src=x onerror=alert(1)>",
        '" onmouseover="alert(1)',
        "</style><script>alert(1)</script>",
        "&lt;b&gt;",
        "\u0000\u202e\N{GRINNING FACE}",
    ],
)
def test_what_rows_hold_is_only_ever_text(start: Start, hostile: str) -> None:
    _, client = start(FREE)
    client("POST", f"/rest/{quote(hostile, safe='')}", [{"id": hostile, hostile: {hostile: [1]}}])
    client("POST", "/rest/plain", [{"id": hostile, hostile: hostile}])
    for target in ("/", "/?vendor=rest&object=plain", "/?vendor=rest&q=" + quote(hostile)):
        page = read(client, target)
        assert "script" not in page.tags
        assert "img" not in page.tags
        assert not [name for name in page.attributes if name.startswith("on")]
    assert hostile.replace("\u0000", "")[:20] in read(
        client, "/?vendor=rest&object=plain"
    ).text.replace("\ufffd", "").replace("\u0000", "")


def test_the_policy_allows_the_pages_own_style_and_nothing_else(start: Start) -> None:
    _, client = start(FREE)
    answer = client("GET", "/")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert re.search(rb"<style>.+</style>", answer.body, re.DOTALL)


def test_a_long_value_is_cut(start: Start) -> None:
    _, client = start(FREE)
    client("POST", "/rest/a", {"id": 1, "v": "x" * 100_000})
    assert len(client("GET", "/").body) < 20_000


def test_search_finds_in_any_field_and_whatever_the_case(start: Start) -> None:
    _, client = start(FREE)
    client("POST", "/rest/a", [{"id": n, "name": f"Name {n}"} for n in range(200)])
    page = read(client, "/?vendor=rest&object=a&q=nAmE%20137")
    assert "Name 137" in page.text
    assert "Name 13 " not in page.text
    assert "No record matches" in read(client, "/?vendor=rest&object=a&q=nobody").text


def test_pages_follow_each_other_to_the_end(start: Start) -> None:
    _, client = start(FREE)
    client("POST", "/rest/a", [{"id": f"row-{n:03}"} for n in range(120)])
    seen: list[str] = []
    target = "/?vendor=rest&object=a"
    for _ in range(3):
        page = read(client, target)
        seen += dict.fromkeys(re.findall(r"row-\d{3}", page.text))
        following = [link for link in page.links if f"page={len(seen) // 50 + 1}" in link]
        target = following[-1] if following else ""
    assert seen == [f"row-{n:03}" for n in range(120)]
    assert target == ""


@pytest.mark.parametrize("query", ["page=-1", "page=x", "page=999999999999", "vendor=x&object=y"])
def test_a_wrong_query_shows_a_page_all_the_same(start: Start, query: str) -> None:
    _, client = start(FREE)
    client("POST", "/rest/a", {"id": 1})
    assert "Tailrace sandbox" in read(client, f"/?{query}").text


def test_a_cut_connection_is_named(start: Start) -> None:
    sandbox, client = start(FREE)
    sandbox.set_faults([{"do": "reset_before", "times": 1}])
    with pytest.raises(OSError, match=r"."):
        client("POST", "/rest/a", {"id": 1})
    client.close()
    page = read(client)
    assert "cut off" in page.text
    assert "reset_before" in page.text
