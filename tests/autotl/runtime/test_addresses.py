"""Any path can be in the address of a SQLite file, and no secret is left in an address that is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st

from autotl.errors import ConfigError
from autotl.runtime.addresses import (
    hide_secrets,
    is_same_database,
    reveal_secrets,
    sqlite_address,
    sqlite_file,
    without_secrets,
)

NAMES = (
    "My%20Data",
    "a?b",
    "a#b",
    "a b",
    "grün☃",
    'it\'s "so"',
    "a@b:c",
    "{x}",
    "100%",
    "a;b",
    "+&=",
    "%s",
    "[1]",
    "~",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_database_is_made_where_it_was_meant_to_be(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    address = sqlite_address(folder / "a.db")
    engine = sqlalchemy.create_engine(address)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("create table t (a int)"))
    engine.dispose()
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*")] == [Path(name), Path(name, "a.db")]
    assert sqlite_file(address) == folder / "a.db"


@pytest.mark.parametrize("name", NAMES)
def test_an_address_into_which_a_path_was_pasted_is_understood(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    assert sqlite_file(f"sqlite:///{tmp_path / name / 'mlflow.db'}") == tmp_path / name / "mlflow.db"


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=30))
def test_the_address_of_any_path_leads_back_to_it(name: str) -> None:
    path = Path("/nowhere") / name / "x.db"
    assert sqlite_file(sqlite_address(path)) == path.absolute()


def test_other_addresses_are_no_files_of_sqlite() -> None:
    for address in ("http://host", "postgresql://host/db", "sqlite://", "sqlite:///:memory:", "file:///tmp", "x.db"):
        assert sqlite_file(address) is None


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://joe:hunter2@host:5000/x", "http://***@host:5000/x"),
        ("http://joe:hun@ter2@host", "http://***@host"),
        ("http://hunter2@host", "http://***@host"),
        ("postgresql+psycopg://joe:hun/ter2@host/db?sslmode=require", "postgresql+psycopg://***@host/db?sslmode=***"),
        ("http://host/?token=hunter2&x=1", "http://host/?token=***&x=***"),
        ("http://host?hunter2", "http://host?***"),
        ("http://host/#hunter2", "http://host/#***"),
        ("mysql://joe:hun'ter 2@host", "mysql://***@host"),
        ("http://host:5000", "http://host:5000"),
        ("sqlite:////tmp/a@b.db", "sqlite:////tmp/a@b.db"),
        ("mlruns", "mlruns"),
    ],
)
def test_no_secret_is_left_in_an_address(address: str, shown: str) -> None:
    assert hide_secrets(address) == shown
    assert hide_secrets(shown) == shown


def test_a_secret_that_was_hidden_once_is_left_out_of_every_message() -> None:
    hide_secrets("postgresql://joe:top%40most@host/db")
    for secret in ("top%40most", "top@most"):
        assert without_secrets(f"no login as joe with {secret}") == "no login as joe with ***"
    assert without_secrets("see http://a:b@c/d and https://e/f?g=h.") == "see http://***@c/d and https://e/f?g=***"


def test_a_hidden_address_is_given_in_full_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = hide_secrets("mysql://joe:secret@host/db")
    with pytest.raises(ConfigError, match=r"password of mysql://\*\*\*@host/db is not kept.*--storage.*VARIABLE"):
        reveal_secrets(hidden, "VARIABLE", option="--storage")
    monkeypatch.setenv("VARIABLE", "mysql://joe:secret@elsewhere/db")
    with pytest.raises(ConfigError):
        reveal_secrets(hidden, "VARIABLE", option="--storage")
    monkeypatch.setenv("VARIABLE", "mysql://joe:secret@host/db")
    assert reveal_secrets(hidden, "VARIABLE", option="--storage") == "mysql://joe:secret@host/db"
    assert reveal_secrets("mysql://host/db", "VARIABLE", option="--storage") == "mysql://host/db"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("postgresql+psycopg2://ann:other@host:5432/lab", True),
        ("postgresql://HOST:5432/lab/?password=x", True),
        ("postgresql://host:5432/runs", False),
        ("postgresql://host:5433/lab", False),
        ("mysql://host:5432/lab", False),
        ("sqlite:////host:5432/lab", False),
        ("http://host:5432/lab", False),
    ],
)
def test_a_database_is_the_same_whatever_its_driver_and_login_are(other: str, same: bool) -> None:
    assert is_same_database("postgresql+psycopg://joe:secret@host:5432/lab", other) is same


def test_a_file_of_sqlite_is_the_same_database_however_its_path_is_written(tmp_path: Path) -> None:
    file = tmp_path / "a%20b.db"
    file.touch()
    assert is_same_database(sqlite_address(file), f"sqlite:///{file}")
    assert not is_same_database(sqlite_address(file), sqlite_address(tmp_path / "b.db"))
