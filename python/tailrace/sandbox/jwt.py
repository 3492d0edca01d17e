"""RS256 of RFC 7515, checked with nothing but the standard library.

For a sandbox: it signs nothing, holds no secret, and takes keys as `openssl pkey -pubout` writes
them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

from tailrace.sandbox.wire import BadJsonError, Json, read_json

# DigestInfo of SHA-256, before the hash: RFC 8017, section 9.2, note 1.
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
_RSA = bytes.fromhex("06092a864886f70d010101")
_SEQUENCE, _INTEGER, _BIT_STRING = 0x30, 0x02, 0x03


class BadTokenError(ValueError):
    """A text that is no JSON Web Token of this key; the message says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An RSA key: modulus and exponent."""

    modulus: int
    exponent: int

    @classmethod
    def of(cls, pem: str) -> PublicKey:
        """Read a SubjectPublicKeyInfo.

        Raises:
            ValueError: no PEM text, or no RSA key.
        """
        begin, end = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
        if begin not in pem or end not in pem:
            raise ValueError("is no PEM text of a public key")
        text = "".join(pem.partition(begin)[2].partition(end)[0].split())
        try:
            outer, _ = _read(base64.b64decode(text, validate=True), _SEQUENCE)
            algorithm, rest = _read(outer, _SEQUENCE)
            bits, _ = _read(rest, _BIT_STRING)
            numbers, _ = _read(bits[1:], _SEQUENCE)
            modulus, rest = _read(numbers, _INTEGER)
            exponent, _ = _read(rest, _INTEGER)
        except (binascii.Error, IndexError):
            raise ValueError("is no public key") from None
        if not algorithm.startswith(_RSA):
            raise ValueError("is no RSA key")
        return cls(int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big"))

    def verifies(self, signed: bytes, signature: bytes) -> bool:
        """Whether it is this key's PKCS #1 v1.5 signature with SHA-256."""
        size = (self.modulus.bit_length() + 7) // 8
        number = int.from_bytes(signature, "big")
        if len(signature) != size or number >= self.modulus:
            return False
        found = pow(number, self.exponent, self.modulus).to_bytes(size, "big")
        info = _SHA256_INFO + hashlib.sha256(signed).digest()
        return hmac.compare_digest(
            found, b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
        )


def _read(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """The contents of the first value, and what follows it."""
    if der[0] != tag:
        raise IndexError
    length, at = der[1], 2
    if length >= 0x80:
        at = 2 + (length & 0x7F)
        length = int.from_bytes(der[2:at], "big")
    if len(der) < at + length:
        raise IndexError
    return der[at : at + length], der[at + length :]


def claims_of(token: str, key: PublicKey) -> dict[str, Json]:
    """The claims of a compact RS256 token that this key has signed.

    Raises:
        BadTokenError: another form, another algorithm, another key.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise BadTokenError("the assertion has not three parts")
    header, claims = _object(parts[0], "header"), _object(parts[1], "claims")
    if header.get("alg") != "RS256":
        raise BadTokenError("the assertion is not signed with RS256")
    if "crit" in header:
        raise BadTokenError("the assertion's header asks for what is not known here")
    if not key.verifies(f"{parts[0]}.{parts[1]}".encode(), _bytes(parts[2])):
        raise BadTokenError("the assertion's signature is not of the registered key")
    return claims


def _bytes(part: str) -> bytes:
    if "=" in part or "+" in part or "/" in part or not part.isascii():
        raise BadTokenError("the assertion is not base64url without padding")
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise BadTokenError("the assertion is not base64url without padding") from None


def _object(part: str, what: str) -> dict[str, Json]:
    try:
        value = read_json(_bytes(part))
    except BadJsonError:
        value = None
    if not isinstance(value, dict):
        raise BadTokenError(f"the assertion's {what} is no JSON object")
    return value
