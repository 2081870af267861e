"""The command that lets workers reach a database through one process."""

from __future__ import annotations

import pytest

from autotl.cli.storage import storage_proxy
from autotl.errors import ConfigError
from autotl.runs import storage as served


def test_a_proxy_needs_a_database(monkeypatch):
    monkeypatch.delenv("AUTOTL_STORAGE", raising=False)
    with pytest.raises(ConfigError, match="no database was given; name it by --storage or AUTOTL_STORAGE"):
        storage_proxy(None)


def test_a_database_that_cannot_be_used_is_named_without_its_password(monkeypatch):
    monkeypatch.setenv("AUTOTL_STORAGE", "postgres://joe:hunter2@host/db")
    with pytest.raises(ConfigError, match=r"the storage postgres://\*\*\*@host/db cannot be used") as raised:
        storage_proxy(None)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(("host", "told"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "leader")])
def test_it_says_how_workers_reach_it(monkeypatch, tmp_path, capsys, host, told):
    called = []
    monkeypatch.setattr(served, "serve_storage", lambda address, **place: called.append((address, place)))
    monkeypatch.setattr("socket.gethostname", lambda: "leader")
    address = f"sqlite:///{tmp_path / 'study.db'}"
    storage_proxy(address, host=host, port=13001)
    assert called == [(address, {"host": host, "port": 13001})]
    assert f"by --storage grpc://{told}:13001" in capsys.readouterr().err
