"""Credentials go over https, or to this machine."""

from __future__ import annotations

import pytest

from tailrace.connections.address import checked_base_url


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.hubapi.com", "https://api.hubapi.com"),
        ("HTTPS://API.Example.com:443/v1/", "https://api.example.com/v1"),
        ("https://api.example.com:8443/a/b", "https://api.example.com:8443/a/b"),
        ("http://localhost:8080/rest/", "http://localhost:8080/rest"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://127.9.9.9/x", "http://127.9.9.9/x"),
        ("http://[::1]:9/x", "http://[::1]:9/x"),
    ],
)
def test_an_address_has_one_spelling(url: str, kept: str) -> None:
    assert checked_base_url(url) == kept
    assert checked_base_url(kept) == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://10.0.0.1",
        "http://192.168.1.1:8080",
        "http://169.254.169.254/latest",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://0.0.0.0",
        "http://2130706433",
        "http://0x7f.1",
        "http://127.1",
        "http://localhost.",
        "http://[::ffff:10.0.0.1]",
        "http://localhost@example.com",
        "https://user:secret@example.com",
        "https://user@example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "//example.com",
        "example.com",
        "https://",
        "https:///path",
        "https://example.com:99999",
        "https://example.com:x",
        "https://example.com/?a=1",
        "https://example.com/#a",
        "https://example.com/a b",
        "https://example.com\\@evil.com",
        "https://exämple.com",
        "https://example.com/\r\nX: y",
        "https://[::1",
        "",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        checked_base_url(url)


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="under auth") as caught:
        checked_base_url("https://user:hunter2@example.com")
    assert "hunter2" not in str(caught.value)
