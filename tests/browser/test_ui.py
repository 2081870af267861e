"""The app in a real browser: every page of a finished run, without an error anywhere."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import made_runs
from browsing import eventually, settled, sound
from PIL import Image
from playwright.sync_api import expect

from autotl_ui.server.pages import ADDRESSES
from autotl_ui.workspace.data_sets import DataSet, save_data_set
from autotl_ui.workspace.workspace import Workspace

PIXEL = """(image) => {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.drawImage(image, 0, 0);
  return [...canvas.getImageData(20, 20, 1, 1).data];
}"""
WATCH = """() => {
  const checked = (root) => Boolean(root.querySelector("figure[aria-checked=true]"))
    || [...root.querySelectorAll("*")].some((element) => element.shadowRoot && checked(element.shadowRoot));
  window.seen = [];
  const look = () => {
    const name = document.querySelector("[data-testid=stMain] h2")?.innerText;
    if (checked(document) && !window.seen.includes(name)) window.seen.push(name);
    requestAnimationFrame(look);
  };
  look();
}"""
"""Collects the headings under which an image was seen selected, frame by frame."""


def test_every_page_of_a_finished_run_works_without_a_single_error(tab: Any, tmp_path: Path) -> None:
    made_runs.write_finished(tmp_path / "autotl-runs" / "good")
    tab.get_by_role("heading", name="Data").wait_for()
    sound(tab)

    tab.get_by_role("link", name="Results", exact=True).click()
    tab.get_by_role("heading", name="good").wait_for()
    tab.get_by_text("0.750 to 0.900").first.wait_for()
    tab.locator('[data-testid="stVegaLiteChart"] canvas, [data-testid="stVegaLiteChart"] svg').first.wait_for()
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download the model").click()
    assert zipfile.ZipFile(download.value.path()).namelist() == ["good/metadata.json", "good/model.onnx"]
    click_another_cell(tab)
    settled(tab)
    tab.get_by_role("tab", name="Scores and panels").click()
    settled(tab)
    tab.get_by_role("tab", name="Report").click()
    report = tab.frame_locator("iframe[title='Report of good']").frame_locator("iframe")
    report.get_by_text("All about it.").wait_for()
    sound(tab)

    tab.get_by_role("link", name="Try", exact=True).click()
    tab.get_by_role("heading", name="Try a model").wait_for()
    Image.new("RGB", (30, 20), "white").save(tmp_path / "white.png")
    tab.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(tmp_path / "white.png")
    tab.locator("strong", has_text=made_runs.CLASSES[-1]).wait_for()
    sound(tab)


def test_every_page_opens_by_its_own_address(tab: Any, address: str, tmp_path: Path) -> None:
    made_runs.write_finished(tmp_path / "autotl-runs" / "good")
    for name in ADDRESSES.values():
        tab.goto(f"{address}/{name}?run=good")
        tab.get_by_role("heading", level=1).wait_for()
        tab.get_by_role("link", name=name.capitalize(), exact=True).and_(tab.locator("[aria-current=page]")).wait_for()
        expect(tab).to_have_url(re.compile("run=good"))
    sound(tab)


def add_red_and_blue(workspace: Workspace) -> None:
    """Add two data sets with images of the same names, all red in one and all blue in the other."""
    for colour in ("red", "blue"):
        for name in ("cats/0.png", "dogs/0.png"):
            path = workspace.data / colour / name
            path.parent.mkdir(parents=True)
            Image.new("RGB", (80, 80), colour).save(path)
        save_data_set(workspace, DataSet(colour, colour, workspace.data / colour))


def test_data_sets_whose_images_are_called_alike_show_their_own(tab: Any, address: str, tmp_path: Path) -> None:
    add_red_and_blue(Workspace(tmp_path))
    tab.goto(f"{address}/?data=red")
    for part in ("Overview", "Images"):
        for colour in ("red", "blue"):
            tab.locator('[data-testid="stRadio"] label', has_text=colour).click()
            tab.get_by_role("heading", name=colour).wait_for()
            tab.get_by_role("radio", name=part).click()
            if part == "Images":
                expect(tab.locator("figure[aria-checked=true]")).to_have_count(0)
            wait_for_colour(tab, tab.locator("figure img").first, colour)
            if part == "Images":
                tab.locator("figure[role=checkbox]").first.click()
                tab.get_by_text("1 image of 1 selected").wait_for()
    sound(tab)


def test_under_the_name_of_one_data_set_the_choice_in_another_is_never_seen(
    tab: Any, address: str, tmp_path: Path
) -> None:
    add_red_and_blue(Workspace(tmp_path))
    tab.goto(f"{address}/?data=red")
    tab.get_by_role("radio", name="Images").click()
    tab.locator("figure[role=checkbox]").first.click()
    tab.get_by_text("1 image of 1 selected").wait_for()
    tab.evaluate(WATCH)
    tab.locator('[data-testid="stRadio"] label', has_text="blue").click()
    tab.get_by_role("heading", name="blue").wait_for()
    wait_for_colour(tab, tab.locator("figure img").first, "blue")
    assert tab.evaluate("window.seen") == ["red"]


def test_a_class_whose_first_image_is_broken_shows_the_next(tab: Any, address: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for name in ("cats/1.png", "dogs/1.png"):
        path = workspace.data / "pets" / name
        path.parent.mkdir(parents=True)
        Image.new("RGB", (80, 80), "blue").save(path)
    (workspace.data / "pets" / "cats" / "0.png").write_bytes(b"broken")
    save_data_set(workspace, DataSet("pets", "pets", workspace.data / "pets"))
    tab.goto(f"{address}/?data=pets")
    expect(tab.locator("figure", has_text="2 images")).to_be_visible()
    wait_for_colour(tab, tab.locator("figure", has_text="2 images").locator("img"), "blue")
    sound(tab)


def click_another_cell(tab: Any) -> None:
    """Click down the diagonal of the confusion matrix until the images of another cell are shown."""
    title = tab.get_by_role("heading", name=re.compile("classified correctly|predicted as"))
    before, matrix = title.inner_text(), tab.locator('[data-testid="stVegaLiteChart"]').first
    box = matrix.bounding_box()
    for share in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        matrix.click(position={"x": share * box["width"], "y": share * box["height"]})
        try:
            expect(title).not_to_have_text(before, timeout=3_000)
        except AssertionError:  # no cell, or the one that is open
            continue
        return
    raise AssertionError("no click on the matrix opened a cell")


def wait_for_colour(tab: Any, image: Any, colour: str) -> None:
    """Wait until an image of one colour is loaded and shown."""

    def shown() -> bool:
        red, _, blue, _ = image.evaluate(PIXEL)
        return (red > 200, blue > 200) == (colour == "red", colour == "blue")

    eventually(tab, shown)
