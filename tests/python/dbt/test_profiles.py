"""A dbt profile serves as connection; of Jinja only env_var is understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tailrace.dbt.profiles import Profile
from tailrace.errors import ConfigError
from tailrace.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

PROFILES = """\
acme:
  target: "{{ env_var('DBT_TARGET', 'dev') }}"
  outputs:
    dev: {type: duckdb, path: "{{ env_var('FILE', 'dev.duckdb') }}"}
    prod:
      type: postgres
      host: db.example.com
      port: "{{ env_var('PORT') | as_number }}"
      user: o'brien
      password: "{{ env_var('PASSWORD') }}"
      dbname: lab
    lake: {type: snowflake, account: x}
    odd: {type: duckdb, path: "{{ target.name }}.duckdb"}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "dbt_project.yml").write_text("name: acme\nprofile: acme\n")
    (tmp_path / "profiles.yml").write_text(PROFILES)
    return tmp_path


def test_duckdb_by_the_profile_s_own_target(project: Path) -> None:
    profile = Profile({})
    assert profile.source(project) == {"kind": "duckdb", "path": str(project / "dev.duckdb")}
    assert profile.used == {"DBT_TARGET", "FILE", "DBT_PROFILES_DIR"}
    assert project / "profiles.yml" in profile.files


def test_variables_are_put_in(project: Path) -> None:
    source = Profile({"FILE": "/data/x.duckdb"}).source(project)
    assert source == {"kind": "duckdb", "path": "/data/x.duckdb"}


def test_postgres_becomes_a_quoted_dsn(project: Path) -> None:
    source = Profile({"PORT": "6543", "PASSWORD": "a b\\'c"}).source(project, target="prod")
    dsn = source["dsn"]
    assert isinstance(dsn, Secret)
    assert dsn.reveal() == (
        "host='db.example.com' port='6543' user='o\\'brien' dbname='lab' password='a b\\\\\\'c'"
    )


def test_the_folder_of_profiles_may_be_another(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (project / "profiles.yml").rename(folder / "profiles.yml")
    with pytest.raises(ConfigError, match="cannot be read"):
        Profile({"HOME": "/nowhere"}).source(project, profiles_dir=project)
    assert Profile({}).source(project, profiles_dir=folder)
    assert Profile({"DBT_PROFILES_DIR": str(folder)}).source(project)


@pytest.mark.parametrize(
    ("target", "environment", "line", "key", "said"),
    [
        ("prod", {"PORT": "1"}, 10, "acme.outputs.prod.password", "PASSWORD is not set"),
        ("prd", {}, 3, "acme.outputs", "did you mean 'prod'?"),
        ("lake", {}, 12, "acme.outputs.lake.type", "snowflake is not offered"),
        ("odd", {}, 13, "acme.outputs.odd.path", "only env_var"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    *, project: Path, target: str, environment: dict[str, str], line: int, key: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=r"profiles\.yml") as caught:
        Profile(environment).source(project, target=target)
    error = caught.value
    assert error.file == str(project / "profiles.yml")
    assert (error.line, error.key) == (line, key)
    assert said in str(error)


def test_a_profile_that_is_not_there_has_a_nearest_name(project: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'acme'"):
        Profile({}).source(project, profile="akme")
