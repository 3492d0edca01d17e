"""What Salesforce's sandbox answers where something is refused.

A request that is refused as a whole gets a list of errors; a row gets the same codes in its result.
"""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.sandbox.wire import Json, RefusalError, Reply


@dataclass(slots=True, eq=False)
class RowError(Exception):
    """Why a row is not written: a status code, a sentence, and the fields that it is about."""

    code: str
    message: str
    fields: tuple[str, ...] = ()

    def as_json(self) -> Json:
        """As it stands in a row's result."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}

    def as_text(self) -> str:
        """As it stands in ``sf__Error``."""
        return f"{self.code}:{self.message}:{' '.join(self.fields)} --"


def error_reply(status: int, code: str, message: str, fields: tuple[str, ...] = ()) -> Reply:
    """An answer in Salesforce's error shape: a list of one."""
    body: dict[str, Json] = {"message": message, "errorCode": code}
    if fields or status == 400:
        body["fields"] = list(fields)
    return Reply(status, [body])


def refuse(status: int, code: str, message: str, fields: tuple[str, ...] = ()) -> RefusalError:
    """The same as an exception."""
    return RefusalError(error_reply(status, code, message, fields))


def not_found(message: str = "The requested resource does not exist") -> RefusalError:
    """404."""
    return refuse(404, "NOT_FOUND", message)


def refuse_row(error: RowError) -> RefusalError:
    """Where a request has one row, what is wrong with it is wrong with the request."""
    return refuse(400, error.code, error.message, error.fields)
