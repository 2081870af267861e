"""From a folder on somebody's desk to a model on another machine, in a real browser."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from browsing import choose, sound
from playwright.sync_api import expect

from autotl.cli.demo import digits

CLASSES = ("3", "5", "8", "9")
N_EACH = 20
SEARCH_MS = 240_000


@pytest.fixture
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 handwritten digits of four classes that are easily mistaken."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("desk") / "digits of mine"
    taken = dict.fromkeys(CLASSES, 0)
    for label, name, pixels in digits():
        if taken.get(label, N_EACH) < N_EACH:
            taken[label] += 1
            (folder / label).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).resize((64, 64)).save(folder / label / name)
    return folder


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_drop_check_train_correct_refit_try_and_take_the_model_away(tab: Any, photos: Path, tmp_path: Path) -> None:
    zone = tab.get_by_role("group", name="Upload images")
    zone.wait_for()
    drag(tab, zone, photos)
    tab.get_by_role("heading", name="digits of mine").wait_for()
    sound(tab)

    # The same folder again, by the button.
    tab.get_by_text("Add data").click()
    zone.wait_for()
    tab.locator("input.pick-folder").set_input_files(photos)
    tab.get_by_role("heading", name="digits of mine 2").wait_for()
    for data_set in ("digits-of-mine", "digits-of-mine-2"):
        kept = tmp_path / "autotl-data" / data_set
        assert {f"{path.parent.name}/{path.name}": path.read_bytes() for path in kept.glob("*/*")} == {
            f"{path.parent.name}/{path.name}": path.read_bytes() for path in photos.glob("*/*")
        }
    sound(tab)

    tab.get_by_role("radio", name="Check").click()
    tab.get_by_role("button", name="Check the data").click()
    tab.get_by_role("button", name="Check again").wait_for(timeout=SEARCH_MS)
    sound(tab)

    tab.get_by_role("button", name="Train on this").click()
    tab.get_by_role("heading", name="Train a model").wait_for()
    tab.get_by_role("radio", name="1 min").click()
    tab.get_by_role("button", name="Start").click()
    tab.get_by_role("tab", name="History").wait_for(timeout=SEARCH_MS)
    tab.reload()
    tab.get_by_role("button", name="See the results").click(timeout=SEARCH_MS)
    tab.get_by_text("What it gets wrong").wait_for()
    sound(tab)

    # Cross-validated images are the ones to correct labels with; every cell opens by two lists as well as by a click.
    tab.get_by_role("radio", name="Search").click()
    tab.get_by_text("Use these to correct labels").wait_for()
    choose(tab, "True class", "3")
    choose(tab, "Predicted class", "3")
    tab.get_by_role("heading", name="3, classified correctly").wait_for()
    tab.get_by_role("checkbox", name="3/").first.click()
    choose(tab, "Right class", "8")
    tab.get_by_role("button", name="Relabel").click()
    tab.get_by_text("1 image changed since this run").wait_for()
    [patch] = (tmp_path / "autotl-data").glob("*.patch.csv")
    assert patch.read_text().splitlines()[1].startswith("relabel,3/")
    tab.get_by_role("button", name="Refit").click()
    tab.get_by_text("1 relabelled").wait_for(timeout=SEARCH_MS)
    sound(tab)

    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download the model").or_(
            tab.get_by_role("button", name="Download the model")
        ).first.click()
    zipfile.ZipFile(download.value.path()).extractall(tmp_path / "elsewhere")
    [model] = (tmp_path / "elsewhere").iterdir()

    image = sorted((photos / "9").iterdir())[0]
    tab.get_by_role("link", name="Try it").click()
    tab.get_by_role("heading", name="Try a model").wait_for()
    tab.locator('[data-testid="stFileUploaderDropzoneInput"]').first.set_input_files(image)
    said = tab.locator("p", has=tab.locator("strong")).filter(has_text="%").first
    expect(said).to_have_text(re.compile(r".+ [\d.]+ %"))
    label, percent = re.findall(r"(.+) ([\d.]+) %", said.inner_text())[0]
    sound(tab)

    for page in ("Label", "Models", "Data", "Train"):
        tab.get_by_role("link", name=page, exact=True).click()
        tab.get_by_role("heading", level=1).wait_for()
        sound(tab)

    import mlflow

    answer = mlflow.pyfunc.load_model(str(model)).predict(pd.DataFrame({"image": [image.read_bytes()]}))
    assert answer["label"][0] == label
    assert f"{100 * answer.drop(columns='label').iloc[0].max():.1f}" == percent


def drag(tab: Any, zone: Any, folder: Path) -> None:
    """Drag a folder from the desk, as the browser's own debugging protocol does it, and let it go over the zone."""
    box = zone.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 3
    protocol = tab.context.new_cdp_session(tab)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        protocol.send("Input.dispatchDragEvent", {"type": kind, "x": x, "y": y, "data": data})
