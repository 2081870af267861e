"""The app served to people who log in, with a real provider of OpenID Connect and a real browser for each of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import made_runs
import pytest
from browsing import PATIENCE_MS, browsing, free_port, running, serving
from playwright.sync_api import expect

pytestmark = pytest.mark.heavy

PEOPLE = ("ann", "bob")
SECRETS = """
[auth]
redirect_uri = "http://127.0.0.1:{app}/oauth2callback"
cookie_secret = "a secret of this test, which nobody else knows"
client_id = "autotl"
client_secret = "another"
server_metadata_url = "http://127.0.0.1:{provider}/.well-known/openid-configuration"
"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The app, and the provider that it was told to trust."""
    pytest.importorskip("oidc_provider_mock", reason="the login test needs: pip install oidc-provider-mock")
    app, provider = free_port(), free_port()
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(SECRETS.format(app=app, provider=provider))
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(provider)]
    with running([*command, *(f"--user={name}" for name in PEOPLE)], provider), serving(tmp_path, app) as served:
        yield served


def test_people_who_log_in_see_their_own_things_and_nobody_elses(address: str, tmp_path: Path) -> None:
    with browsing() as browser:
        ann, bob, stranger = (browser.new_context().new_page() for _ in range(3))
        for tab in (ann, bob, stranger):
            tab.set_default_timeout(PATIENCE_MS)
        log_in(ann, address, "ann")
        ann.get_by_role("button", name="Try a sample").click()
        ann.get_by_role("heading", name="digits").wait_for()
        [hers] = (tmp_path / "autotl-people").iterdir()
        made_runs.write_finished(hers / "autotl-runs" / "of-ann")
        ann.goto(f"{address}/results?run=of-ann")
        ann.get_by_role("heading", name="of-ann").wait_for()
        token = ann.get_by_role("link", name="Download the model").get_attribute("href")

        log_in(bob, address, "bob")
        bob.get_by_text("Begin with images").wait_for()
        for page in ("results", "try"):
            bob.goto(f"{address}/{page}?run=of-ann")
            bob.get_by_text("Train a model first").wait_for()
            expect(bob.get_by_text("champion", exact=False)).to_have_count(0)

        stranger.goto(f"{address}/results?run=of-ann")
        stranger.get_by_text("Log in to see your images").wait_for()
        expect(stranger.get_by_text("of-ann")).to_have_count(0)
        assert stranger.request.get(address + token[:-2] + "xx").status == 404

        ann.get_by_role("button", name="Log out").click()
        ann.get_by_role("heading", name="End Session").wait_for()  # the provider's page
        ann.goto(address)
        ann.get_by_text("Log in to see your images").wait_for()


def log_in(tab: Any, address: str, name: str) -> None:
    """As the provider asks for it."""
    # The provider's page wants a style sheet from elsewhere, which nobody can reach here.
    tab.route("https://**", lambda route: route.abort())
    tab.goto(address)
    tab.get_by_role("button", name="Log in").click()
    tab.get_by_role("button", name=name, exact=True).click()
    tab.get_by_role("button", name="Log out").wait_for()
