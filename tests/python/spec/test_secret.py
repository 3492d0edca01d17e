"""A secret shows itself nowhere."""

from __future__ import annotations

import json
import pickle

import pytest
from pydantic import BaseModel, ValidationError

from tailrace.environment import expand
from tailrace.secret import Secret

CANARY = "canary-7f3a"


class Login(BaseModel):
    token: Secret


def test_it_prints_as_stars_everywhere() -> None:
    secret = Secret(CANARY)
    login = Login(token=secret)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>10}",
        "%s" % secret,  # noqa: UP031
        repr(login),
        str(login),
        login.model_dump_json(),
        str(login.model_dump()),
        json.dumps({"a": secret}, default=str),
        str(pickle.dumps(secret)),
        str(pickle.dumps(login)),
        str(vars(login)),
    ]
    for text in shown:
        assert CANARY not in text
    assert repr(secret) == "***"


def test_a_pickled_one_has_no_value() -> None:
    with pytest.raises(RuntimeError, match="read it again"):
        pickle.loads(pickle.dumps(Secret(CANARY))).reveal()


def test_an_error_about_it_does_not_show_it() -> None:
    with pytest.raises(ValidationError) as caught:
        Login.model_validate({"token": CANARY + "\n"})
    assert "control character" in str(caught.value.errors()[0]["msg"])
    with pytest.raises(ValidationError):
        Login.model_validate({"token": ""})


def test_it_remembers_what_the_file_says() -> None:
    secret = Login.model_validate({"token": expand("${env:T}", {"T": CANARY})}).token
    assert secret.reveal() == CANARY
    assert secret.template == "${env:T}"
    assert Login(token=Secret("x")).token.template is None


def test_equal_values_are_equal_and_none_hashes() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    with pytest.raises(TypeError):
        hash(Secret("a"))
