"""A study of several targets in a real browser: its results, one upload that is answered for all, its model."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import made_runs
from browsing import settled, sound
from PIL import Image
from playwright.sync_api import expect

BRIGHTEST = made_runs.CLASSES[-1]


def test_the_results_lead_to_each_target_and_one_upload_is_answered_for_all(tab: Any, tmp_path: Path) -> None:
    made_runs.write_study(tmp_path / "autotl-runs" / "study", "pet", "place")
    tab.get_by_role("link", name="Results", exact=True).click()
    tab.get_by_role("heading", name="study").wait_for()
    expect(tab.get_by_role("button", name="Everything about it")).to_have_count(2)
    expect(tab.get_by_text("0.750 to 0.900")).to_have_count(2)
    report = tab.frame_locator("iframe[title='Report of study']").frame_locator("iframe")
    report.get_by_text("the index of targets").wait_for()
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download the model").click()
    assert zipfile.ZipFile(download.value.path()).namelist() == ["study/metadata.json", "study/model.onnx"]
    sound(tab)

    tab.get_by_role("button", name="Everything about it").last.click()
    tab.get_by_role("tab", name="What it gets wrong").wait_for()
    expect(tab).to_have_url(re.compile("run=study%2Ftargets%2Fplace|run=study/targets/place"))
    sound(tab)
    tab.get_by_role("radio", name="All targets").click()
    expect(tab.get_by_role("button", name="Everything about it")).to_have_count(2)
    expect(tab.get_by_role("link", name="Try it", exact=True)).to_have_attribute("href", "try?run=study")
    tab.get_by_role("link", name="Try it", exact=True).click()

    tab.get_by_role("heading", name="Try a model").wait_for()
    Image.new("RGB", (30, 20), "white").save(tmp_path / "white.png")
    tab.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(tmp_path / "white.png")
    expect(tab.locator("strong", has_text=BRIGHTEST)).to_have_count(2)
    expect(tab.locator('[data-testid="stVegaLiteChart"]')).to_have_count(2)
    sound(tab)
    tab.get_by_role("button", name="pet", exact=True).click()
    expect(tab.locator("strong", has_text=BRIGHTEST)).to_have_count(1)
    tab.get_by_role("button", name="Show similar training images").wait_for()
    sound(tab)


def test_the_model_of_all_targets_is_offered_on_the_models_page(tab: Any, address: str, tmp_path: Path) -> None:
    made_runs.write_study(tmp_path / "autotl-runs" / "study", "pet", "place")
    tab.goto(f"{address}/models?run=study")
    tab.get_by_text("Register a finished run").wait_for()
    settled(tab)
    expect(tab.get_by_role("textbox", name="Name of the model")).to_have_value("photos")
    expect(tab.get_by_role("combobox", name="Run")).to_have_value(re.compile("study, all targets"))
    sound(tab)
