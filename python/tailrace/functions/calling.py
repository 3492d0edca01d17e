"""Calls a destination's function for a run: on threads of ours, which the core never enters."""

from __future__ import annotations

import hashlib
import json
import threading
import traceback
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tailrace.errors import ConfigError
from tailrace.functions.batch import Batch, BatchRefused, Outcome, TryLater
from tailrace.functions.rows import dicts, read_body, table

if TYPE_CHECKING:
    from tailrace import _core
    from tailrace.functions.function import Function

# How long a thread stays in native code while there is nothing to do.
_WAIT_S = 0.2
_MASK = "***"


class WrongReturnError(TypeError):
    """What the function returned says nothing of the rows."""


class Caller:
    """A function and what it is called with.

    Args:
        function: What is called.
        match: The name of the match field.
        options: What the connection gives; texts of `secrets` are in no message.
        at_once: Batches that the function works on at the same time.
    """

    def __init__(
        self,
        function: Function[Any],
        *,
        match: str,
        options: Mapping[str, Any],
        secrets: Iterable[str],
        at_once: int,
    ) -> None:
        self._function = function
        self._match = match
        self._options = options
        self._secrets = sorted(filter(None, secrets), key=len, reverse=True)
        self._at_once = at_once

    def start(self, handle: _core.RunHandle) -> None:
        """Serve the run's calls until it ends. Nobody waits for the threads: a function that does
        not return must not keep the process, and what it says after the run is heard no more."""
        for number in range(self._at_once):
            name = f"tailrace-{self._function.call.__name__}-{number}"
            threading.Thread(target=self._serve, args=(handle,), name=name, daemon=True).start()

    def _serve(self, handle: _core.RunHandle) -> None:
        while True:
            taken = handle.take_call(_WAIT_S)
            if taken is not None:
                handle.answer_call(taken[0], *self.answer(taken[1]))
            elif not handle.calls_open():
                return

    def answer(self, body: bytes) -> tuple[int, bytes, float | None]:
        """Call the function: status, document, and seconds to wait; in the words of HTTP."""
        try:
            batch = self._batch(body)
            return self._told(200, outcomes=_outcomes(self._function.call(batch), len(batch)))
        except TryLater as late:
            return self._told(429, late, late.after, code="try_later")
        except BatchRefused as refused:
            return self._told(409, refused, code=refused.code)
        except (ConfigError, WrongReturnError) as wrong:
            return self._told(400, wrong, code="function")
        except BaseException as error:  # noqa: BLE001  (what was done until then, nobody knows)
            return self._told(500, error, code=type(error).__name__)

    def _batch(self, body: bytes) -> Batch:
        document = read_body(body)
        rows: Any = dicts(document) if self._function.rows == "dicts" else table(document)
        return Batch(
            operation=document["operation"],
            rows=rows,
            matches=document["matches"],
            keys=document["keys"],
            object=document["object"],
            match=self._match,
            fields=dict(document["fields"]),
            idempotency_key=document["idempotency_key"] or _digest(document),
            attempt=document["attempt"],
            id=document["batch"],
            options=self._options,
        )

    def _told(
        self,
        status: int,
        error: BaseException | None = None,
        after: float | None = None,
        *,
        code: str = "",
        outcomes: list[dict[str, str]] | None = None,
    ) -> tuple[int, bytes, float | None]:
        document: dict[str, Any] = {"outcomes": outcomes}
        if error is not None:
            document = {"code": code, "message": _message(error, status)}
        return status, self._masked(json.dumps(document)).encode(), after

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(json.dumps(secret)[1:-1], _MASK)
        return text


def _message(error: BaseException, status: int) -> str:
    """The error's words; where it broke off, also the place in the function."""
    words = str(error) or type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    if status != 500 or len(frames) < 2:
        return words
    return f"{words} (line {frames[-1].lineno} of {frames[-1].name})"


def _digest(document: Mapping[str, Any]) -> str:
    """The same for the same rows in the same order."""
    told = [document["operation"], document["object"], document["keys"], document["rows"]]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:32]


def _outcomes(returned: object, rows: int) -> list[dict[str, str]]:
    """What was returned, as one outcome a row.

    Raises:
        WrongReturnError: It is neither of what a function may return.
    """
    if returned is None:
        return [_as_dict(Outcome.accepted())] * rows
    if isinstance(returned, Mapping):
        return _of_mapping(returned, rows)
    if isinstance(returned, (str, bytes)) or not isinstance(returned, Iterable):
        raise WrongReturnError(
            f"the function returned a {type(returned).__name__}, and not Outcomes, a mapping of "
            "positions to Outcomes, or None"
        )
    told = [_as_dict(one) for one in returned]
    if len(told) != rows:
        raise WrongReturnError(f"the function returned {len(told)} outcomes for {rows} rows")
    return told


def _of_mapping(returned: Mapping[Any, Any], rows: int) -> list[dict[str, str]]:
    told = [_as_dict(Outcome.accepted())] * rows
    for place, one in returned.items():
        if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < rows:
            raise WrongReturnError(f"{place!r} is no position in a batch of {rows} rows")
        told[place] = _as_dict(one)
    return told


def _as_dict(one: object) -> dict[str, str]:
    if not isinstance(one, Outcome):
        raise WrongReturnError(f"{type(one).__name__} is no Outcome")
    return {name: str(getattr(one, name)) for name in ("outcome", "id", "code", "message", "field")}
