"""Who gets in, and whose things they see."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import made_runs
import pytest
from app_pages import APP, PAGES, words
from streamlit.testing.v1 import AppTest

from autotl.errors import ConfigError
from autotl_ui.launch import allowed_hosts, choose_access
from autotl_ui.server import access


@pytest.fixture
def told_apart_by(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda how: monkeypatch.setattr(access, "_access", how)


@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configured login."""
    import streamlit as st

    monkeypatch.setattr(st, "secrets", {"auth": {"redirect_uri": "https://lab.example.org/oauth2callback"}})
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())


@pytest.fixture
def no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    import streamlit as st

    monkeypatch.setattr(st, "secrets", {})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_on_this_machine_one_is_alone(host: str, no_login: None) -> None:
    assert choose_access(host, (), without_login=False) == "alone"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "::", "lab.example.org"])
def test_other_addresses_need_a_login_or_an_express_wish_and_a_name(host: str, no_login: None) -> None:
    for names in ((), ("lab.example.org",)):
        with pytest.raises(ConfigError, match="--without-login"):
            choose_access(host, names, without_login=False)
    with pytest.raises(ConfigError, match="--name"):
        choose_access(host, (), without_login=True)
    assert choose_access(host, ("lab.example.org",), without_login=True) == "browser"


def test_a_name_for_others_counts_as_another_address(no_login: None) -> None:
    with pytest.raises(ConfigError, match="no login is configured"):
        choose_access("127.0.0.1", ("lab.example.org",), without_login=False)


def test_with_a_login_everybody_logs_in(login: None) -> None:
    assert choose_access("127.0.0.1", (), without_login=False) == "login"
    assert choose_access("0.0.0.0", ("lab.example.org",), without_login=True) == "login"


def test_a_login_without_its_package_is_said(login: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="Authlib"):
        choose_access("127.0.0.1", (), without_login=False)


def test_the_app_is_called_by_its_names_and_its_own_address_and_not_by_that_of_all_addresses() -> None:
    assert allowed_hosts("127.0.0.2", ()) == ["localhost", "127.0.0.1", "127.0.0.2"]
    assert allowed_hosts("0.0.0.0", ("lab.example.org",)) == ["localhost", "127.0.0.1", "lab.example.org"]
    assert "::" not in allowed_hosts("::", ("lab.example.org",))


def open_results(**person: Any) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=20)
    app.user = {"is_logged_in": bool(person), **person}
    app.run()
    if not app.exception and app.sidebar.button:
        app.switch_page("results/page.py").run()
    assert not app.exception
    return app


def test_each_person_sees_their_own_runs_only(runs: Path, told_apart_by: Any) -> None:
    told_apart_by("login")
    assert "Log in to see" in words(open_results())
    who = {"iss": "https://id.example.org", "sub": "17", "email": "ann@example.org"}
    assert "There are no runs yet" in words(open_results(**who))
    root = runs.parent / "autotl-people" / access._digest("https://id.example.org\n17")
    made_runs.write_finished(root / "autotl-runs" / "mine")
    made_runs.write_finished(runs / "of-the-one-who-serves")
    mine = open_results(**who)
    assert "mine" in str([radio.options for radio in mine.radio] + [box.options for box in mine.selectbox])
    assert "of-the-one-who-serves" not in str(mine.main)
    assert "There are no runs yet" in words(open_results(**{**who, "sub": "18"}))


def test_a_login_that_identifies_nobody_is_refused(runs: Path, told_apart_by: Any) -> None:
    told_apart_by("login")
    app = AppTest.from_file(str(APP), default_timeout=20)
    app.user = {"is_logged_in": True}
    assert "cannot be identified" in words(app.run())


def answered(path: str = "/", cookie: str = "", method: str = "GET") -> dict[str, list[str]]:
    """The headers of a page's answer."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"cookie", cookie.encode())] if cookie else []
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    asyncio.run(access.Doorman(app)(scope, None, send))  # type: ignore[arg-type]
    found: dict[str, list[str]] = {}
    for name, value in sent[0]["headers"]:
        found.setdefault(name.decode(), []).append(value.decode())
    return found


def test_each_browser_gets_a_key_once_that_no_script_can_read(told_apart_by: Any) -> None:
    assert "set-cookie" not in answered()
    told_apart_by("browser")
    [first], [second] = answered()["set-cookie"], answered()["set-cookie"]
    assert first != second
    assert "HttpOnly" in first
    key = first.partition(";")[0]
    assert "set-cookie" not in answered(cookie=f"other=1; {key}")
    assert "set-cookie" in answered(cookie=f"{access.COOKIE}=../../etc")


def test_a_link_from_another_site_does_not_cost_a_browser_its_workspace(told_apart_by: Any) -> None:
    told_apart_by("browser")
    [cookie] = answered()["set-cookie"]
    assert cookie.endswith("SameSite=Lax")  # Strict: whoever follows a link comes without it, and gets a new one
    assert "set-cookie" not in answered(method="POST")  # a form of another site is sent without it in any case


def test_answers_may_not_be_framed_by_other_sites_or_guessed_at() -> None:
    headers = answered()
    assert headers["x-own"] == ["1"]
    assert headers["x-content-type-options"] == ["nosniff"]
    assert headers["x-frame-options"] == ["SAMEORIGIN"]


@pytest.mark.parametrize("other", ["a/b=1", 'settings={"a": 1}', "path=1", "=", "\xe9=\xe9"])
def test_cookies_of_other_apps_do_not_cost_a_browser_its_workspace(other: str, told_apart_by: Any) -> None:
    told_apart_by("browser")
    assert "set-cookie" not in answered(cookie=f"{other}; {access.COOKIE}={'0a' * 16}")


@pytest.mark.parametrize("page", ["data", "train", "results", "try", "label", "models"])
def test_no_page_shows_a_guest_where_things_lie_on_the_machine(page: str, runs: Path, told_apart_by: Any) -> None:
    told_apart_by("login")
    who = {"iss": "https://id.example.org", "sub": "17"}
    root = runs.parent / "autotl-people" / access._digest("https://id.example.org\n17")
    made_runs.write_finished(root / "autotl-runs" / "good")
    made_runs.write_failed(root / "autotl-runs" / "bad", "no images")
    for run in ("good", "bad"):
        app = AppTest.from_file(str(APP), default_timeout=20)
        app.user = {"is_logged_in": True, **who}
        app.run()
        app.query_params["run"] = run
        app.switch_page(PAGES[page]).run()
        assert not app.exception
        assert str(runs.parent) not in words(app)
