"""The form in tests/data/wire/form.bin: what is in it, and its bytes spelled out.

The core's test makes the same bytes; the test beside this file has other programs read them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

DATA = Path(__file__).parents[2] / "data" / "wire"
SEED = "r_1-7"
FILE = 'id,note\r\n1,"a --tailrace ""x"""\r\n2,Zürich 🚂\r\n--\r\n'.encode()
PARTS: list[tuple[str, str | None, str | None, bytes]] = [
    ("lookupField", None, None, b"email"),
    ('odd "name"\r\n', None, "text/plain; charset=utf-8", "é".encode()),
    ("file", "leads.csv", "text/csv", FILE),
    ("empty", None, None, b""),
]


def boundary() -> str:
    """Of the seed, as the core makes it: its length, the seed, and which try it is."""
    digest = hashlib.sha256()
    digest.update(len(SEED).to_bytes(8, "little") + SEED.encode() + (0).to_bytes(8, "little"))
    return "tailrace-" + digest.hexdigest()[:32]


def escaped(name: str) -> bytes:
    """A name as browsers write it."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode()


def form() -> bytes:
    """The bytes of the form."""
    out = b""
    for name, file_name, content_type, content in PARTS:
        out += b"--" + boundary().encode() + b"\r\n"
        out += b'Content-Disposition: form-data; name="' + escaped(name) + b'"'
        if file_name is not None:
            out += b'; filename="' + escaped(file_name) + b'"'
        out += b"\r\n"
        if content_type is not None:
            out += b"Content-Type: " + content_type.encode() + b"\r\n"
        out += b"\r\n" + content + b"\r\n"
    return out + b"--" + boundary().encode() + b"--\r\n"


if __name__ == "__main__":
    (DATA / "form.bin").write_bytes(form())
