"""Pages of the app as Streamlit's AppTest draws them."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

import autotl_ui

APP = Path(autotl_ui.__file__).with_name("app.py")
PAGES = {
    "data": "data/page.py",
    "train": "train/page.py",
    "results": "results/page.py",
    "try": "try_model/page.py",
    "label": "label/page.py",
    "models": "models/page.py",
    "style": "style/page.py",
}


def open_page(name: str, *, run: str | None = None) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=20).run()
    if run:
        app.query_params["run"] = run
    app.switch_page(PAGES[name]).run()
    assert not app.exception
    return app


def open_section(app: AppTest, name: str) -> AppTest:
    """Open a tab of the results of a run."""
    app.session_state["section"] = name
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """Everything a page says, without what keeps markdown from garbling names and linking addresses."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.title, app.header, app.code)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "").replace("\u2060", "")
