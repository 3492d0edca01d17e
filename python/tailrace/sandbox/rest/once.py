"""Requests that are done once however often they come: idempotency keys of the generic API."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import RefusalError, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.sandbox.limits import Clock

_REMEMBERED = 10_000
_MISMATCHES = (400, 409, 422)


@dataclass(frozen=True, slots=True)
class OnceSetting:
    """The header that names a request, for how long the name is kept, the status of a name that
    comes with another body, and whether a request needs one."""

    header: str = "idempotency-key"
    ttl_s: float = 86_400
    mismatch: int = 422
    required: bool = False


def once_from(settings: Any, where: str) -> OnceSetting | None:
    """From ``{header, ttl_s, mismatch, required}``; None: the header has no meaning."""
    if settings is None:
        return None
    known(settings, ("header", "ttl_s", "mismatch", "required"), where)
    ttl_s = settings.get("ttl_s", 86_400)
    if isinstance(ttl_s, bool) or not isinstance(ttl_s, (int, float)) or ttl_s <= 0:
        raise ConfigError(f"{where}: ttl_s is a number of seconds, not {ttl_s!r}")
    mismatch = settings.get("mismatch", 422)
    if mismatch not in _MISMATCHES:
        raise ConfigError(f"{where}: mismatch is 400, 409 or 422, not {mismatch!r}")
    header = str(settings.get("header", "Idempotency-Key")).lower()
    return OnceSetting(header, float(ttl_s), mismatch, settings.get("required", False) is True)


class Once:
    """The answers that were given under a key. An answer that refused the request as a whole is
    not kept: nothing was done, and the key is still free."""

    def __init__(self, clock: Clock, refusal: Callable[..., Reply]) -> None:
        self._clock = clock
        self._refusal = refusal
        self._answers: OrderedDict[tuple[str, str, str], tuple[bytes, float, Reply]] = OrderedDict()

    def wrap(self, setting: OnceSetting, request: Request, call: Call) -> Call:
        """The call, or one that does nothing and gives the answer of the first.

        Raises:
            RefusalError: the key came with another body, or is needed and not there.
        """
        token = request.headers.get(setting.header)
        if not token:
            if setting.required:
                raise RefusalError(self._refusal(400, f"{setting.header} is needed"))
            return call
        name = (request.method, request.path, token)
        digest = hashlib.blake2b(request.body, digest_size=16).digest()
        seen = self._answers.get(name)
        if seen is not None and seen[1] + setting.ttl_s <= self._clock():
            del self._answers[name]
            seen = None
        if seen is None:
            call.run = self._remembering(name, digest, call.run)
            return call
        held_digest, _, reply = seen
        if held_digest != digest:
            message = "the Idempotency-Key came with another body"
            raise RefusalError(
                self._refusal(setting.mismatch, message, code="idempotency_mismatch")
            )
        return Call(call.op, call.object, call.keys, lambda _: reply)

    def _remembering(
        self, name: tuple[str, str, str], digest: bytes, run: Callable[[Call], Reply]
    ) -> Callable[[Call], Reply]:
        def remember(call: Call) -> Reply:
            reply = run(call)
            replayed = [*reply.headers, ("Idempotency-Replayed", "true")]
            again = Reply(reply.status, reply.payload(), replayed, reply.content_type)
            self._answers[name] = (digest, self._clock(), again)
            while len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
            return reply

        return remember
