"""Files that the core writes and reads, held against implementations that are not ours."""

from __future__ import annotations

import asyncio
import csv
import email.parser
import email.policy
import io
import json
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

import csv_data  # noqa: E402
import form_data  # noqa: E402


@pytest.mark.parametrize("name", sorted(csv_data.files()))
def test_the_files_are_what_pythons_csv_writes(name: str) -> None:
    assert (csv_data.DATA / name).read_bytes() == csv_data.files()[name]


@pytest.mark.parametrize(
    ("file", "document"),
    [
        ("returns_crlf.csv", "returns.json"),
        ("returns_all_quoted.csv", "returns.json"),
        ("plain_lf.csv", "plain.json"),
    ],
)
def test_what_the_core_writes_is_read_by_python(file: str, document: str) -> None:
    # The core's test holds its output against the same bytes.
    text = (csv_data.DATA / file).read_bytes().decode()
    table = json.loads((csv_data.DATA / document).read_text(encoding="utf-8"))
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == [
        table["columns"],
        *table["rows"],
    ]


def test_the_form_is_the_one_that_is_spelled_out() -> None:
    assert (form_data.DATA / "form.bin").read_bytes() == form_data.form()


def test_the_form_is_read_by_pythons_email() -> None:
    head = f"Content-Type: multipart/form-data; boundary={form_data.boundary()}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        head + (form_data.DATA / "form.bin").read_bytes()
    )
    parts = list(message.iter_parts())
    assert not message.defects
    assert [part.get_payload(decode=True) for part in parts] == [
        content for _, _, _, content in form_data.PARTS
    ]
    assert [part.get_filename() for part in parts] == [name for _, name, _, _ in form_data.PARTS]


def test_the_form_is_read_by_aiohttp() -> None:
    found: list[tuple[str | None, str | None, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        async for part in await request.multipart():
            assert isinstance(part, aiohttp.BodyPartReader)
            found.append((part.name, part.filename, bytes(await part.read())))
        return web.Response()

    async def send() -> int:
        app = web.Application()
        app.router.add_post("/bulk/v1/leads.json", take)
        async with TestClient(TestServer(app)) as client:
            answer = await client.post(
                "/bulk/v1/leads.json",
                data=(form_data.DATA / "form.bin").read_bytes(),
                headers={"Content-Type": f"multipart/form-data; boundary={form_data.boundary()}"},
            )
            return answer.status

    assert asyncio.run(send()) == 200
    assert found == [
        (form_data.escaped(name).decode(), file_name, content)
        for name, file_name, _, content in form_data.PARTS
    ]
