"""Uploading with a real browser: a folder that is dragged in, the browse button, and what the page makes of them."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from browsing import eventually, settled, sound
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.heavy

CLASSES = ("cat & dog", "øre", "bird_s")
N_EACH = 20


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Sixty images in three classes, and files that are none."""
    folder = tmp_path / "elsewhere" / "my photos"
    for number, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for i in range(N_EACH):
            image = Image.effect_noise((32, 32), 40 + 20 * number).convert("RGB")
            image.save(folder / name / f"{i}.jpg", comment=f"{name} {i}")
    (folder / "notes.txt").write_text("not an image")
    (folder / ".hidden").write_text("hidden")
    return folder


def test_a_folder_that_is_dragged_in_keeps_its_classes(tab: Any, tmp_path: Path, photos: Path) -> None:
    drop(tab, photos)
    tab.get_by_role("heading", name="my photos").wait_for()
    for name in CLASSES:
        tab.locator("figure", has_text=f"{name}").get_by_text(f"{N_EACH} images").wait_for()
    assert contents(tmp_path / "autotl-data" / "my-photos") == contents(photos)
    expect(tab).to_have_url(re.compile("data=my-photos"))
    sound(tab)

    tab.get_by_role("radio", name="Images").click()
    tab.locator("figure[role=checkbox] img").first.wait_for()
    tab.wait_for_function("document.title")
    tab.locator("figure[role=checkbox]").last.click()
    tab.get_by_text("1 image of 20 selected").wait_for()
    tab.locator("figure[role=checkbox]").first.scroll_into_view_if_needed()
    expect(tab.get_by_role("button", name="Exclude")).to_be_in_viewport(ratio=1)
    tab.locator("figure[role=checkbox]").last.scroll_into_view_if_needed()
    expect(tab.get_by_role("button", name="Exclude")).to_be_in_viewport(ratio=1)
    tab.get_by_role("button", name="Exclude").click()
    tab.get_by_text("19 images.").wait_for()
    tab.get_by_role("button", name="Undo").click()
    tab.get_by_text("20 images.").wait_for()
    sound(tab)

    tab.get_by_role("button", name="Train on this").click()
    tab.wait_for_url(re.compile("train.*data=my-photos"))


def test_what_is_dropped_beside_the_zone_is_meant_for_it(tab: Any, tmp_path: Path, photos: Path) -> None:
    drop(tab, photos, beside=tab.get_by_role("heading", name="Data"))
    tab.get_by_role("heading", name="my photos").wait_for()
    assert contents(tmp_path / "autotl-data" / "my-photos") == contents(photos)


def test_the_browse_button_keeps_the_classes_too(tab: Any, tmp_path: Path, photos: Path) -> None:
    tab.locator("input.pick-folder").set_input_files(photos)
    tab.get_by_role("heading", name="my photos").wait_for()
    assert contents(tmp_path / "autotl-data" / "my-photos") == contents(photos)
    sound(tab)


def test_a_second_folder_is_shown_and_stays_shown(tab: Any, photos: Path) -> None:
    drop(tab, photos)
    tab.get_by_role("heading", name="my photos").wait_for()
    tab.get_by_text("Add data").click()
    tab.locator(".zone").wait_for()
    drop(tab, photos / CLASSES[0])
    tab.get_by_role("heading", name=CLASSES[0]).wait_for()
    tab.get_by_text("Not right?").or_(tab.get_by_text("No image has a class yet")).first.wait_for()
    tab.get_by_role("radio", name="Decisions").click()
    tab.get_by_text("There are no decisions").wait_for()
    expect(tab.get_by_role("heading", name=CLASSES[0])).to_be_visible()
    sound(tab)


def test_a_zip_is_stored_as_it_is(tab: Any, tmp_path: Path, photos: Path) -> None:
    packed = tmp_path / "elsewhere" / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in photos.rglob("*.jpg"):
            archive.write(path, path.relative_to(photos.parent))
    tab.locator("input.pick-files").set_input_files(packed)
    tab.get_by_role("heading", name="packed").wait_for()
    tab.locator("figure", has_text="bird_s").wait_for()
    assert (tmp_path / "autotl-data" / "packed" / "packed.zip").read_bytes() == packed.read_bytes()
    sound(tab)


def test_a_lost_connection_is_waited_for_and_a_cancelled_upload_carries_on(
    tab: Any, tmp_path: Path, photos: Path
) -> None:
    tab.locator(".zone").wait_for()
    fail = {"on": True}

    def handle(route: Any) -> None:
        if fail["on"] and route.request.method == "PUT":
            route.abort()
        else:
            route.continue_()

    tab.route("**/autotl/upload/**", handle)
    drop(tab, photos)
    tab.get_by_text("The connection to the app is lost. Trying again").wait_for()
    tab.get_by_role("button", name="Cancel").click()
    tab.get_by_text("my photos").first.wait_for()
    fail["on"] = False
    tab.problems.clear()  # the browser names every request that failed
    drop(tab, photos)
    tab.get_by_role("heading", name="my photos").wait_for()
    assert contents(tmp_path / "autotl-data" / "my-photos") == contents(photos)
    sound(tab)


def test_a_piece_that_arrived_although_its_answer_got_lost_is_not_sent_again(tab: Any, tmp_path: Path) -> None:
    packed = tmp_path / "elsewhere.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("cat/0.jpg", "dog/0.jpg"):
            archive.writestr(name, os.urandom(10 << 20))
    sent: list[str] = []

    def lose_every_second_answer(route: Any) -> None:
        if route.request.method != "PUT":
            route.continue_()
            return
        sent.append(route.request.url.partition("offset=")[2])
        answer = route.fetch()
        if len(sent) % 2:
            route.abort()
        else:
            route.fulfill(response=answer)

    tab.route("**/autotl/upload/**", lose_every_second_answer)
    tab.locator("input.pick-files").set_input_files(packed)
    tab.get_by_role("heading", name="elsewhere").wait_for()
    [kept] = (tmp_path / "autotl-data" / "elsewhere").iterdir()
    assert kept.read_bytes() == packed.read_bytes()
    assert sent == ["0", "0", str(8 << 20), str(8 << 20), str(16 << 20), str(16 << 20)]


def test_an_upload_survives_that_the_page_is_drawn_anew(tab: Any, tmp_path: Path, photos: Path) -> None:
    tab.locator(".zone").wait_for()
    held = drop_and_hold(tab, photos)
    tab.get_by_role("button", name="Use it where it is").click()
    tab.get_by_text("Give the path of a folder first").wait_for()
    for route in held:
        route.continue_()
    tab.get_by_role("heading", name="my photos").wait_for()
    assert contents(tmp_path / "autotl-data" / "my-photos") == contents(photos)
    sound(tab)


def test_an_upload_goes_on_while_another_page_is_looked_at(tab: Any, tmp_path: Path, photos: Path) -> None:
    tab.locator(".zone").wait_for()
    held = drop_and_hold(tab, photos)
    tab.get_by_role("link", name="Models", exact=True).click()
    tab.get_by_role("heading", name="Models").wait_for()
    tab.get_by_role("link", name="Data", exact=True).click()
    tab.locator(".zone .numbers", has_text="0 of 60 files").wait_for()
    tab.get_by_role("link", name="Models", exact=True).click()
    tab.get_by_role("heading", name="Models").wait_for()
    for route in held:
        route.continue_()
    eventually(tab, (tmp_path / "autotl-data" / "my-photos.dataset.json").exists)
    tab.get_by_role("link", name="Data", exact=True).click()
    tab.get_by_role("heading", name="my photos").wait_for()
    assert contents(tmp_path / "autotl-data" / "my-photos") == contents(photos)
    sound(tab)


def test_a_folder_without_images_or_texts_is_told_so(tab: Any, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere" / "papers"
    folder.mkdir(parents=True)
    (folder / "a.doc").write_text("a")
    drop(tab, folder)
    tab.get_by_text("The file cannot be used. Found: 1 *.doc.").wait_for()
    assert not [*(tmp_path / "autotl-data").glob("*.dataset.json")]


def drop_and_hold(tab: Any, photos: Path) -> list[Any]:
    """Drop the images, whose bytes are held back until somebody lets them go on."""
    held: list[Any] = []
    tab.route(
        "**/autotl/upload/**", lambda route: held.append(route) if route.request.method == "PUT" else route.continue_()
    )
    drop(tab, photos)
    tab.locator(".zone .numbers", has_text="0 of 60 files").wait_for()
    return held


def drop(tab: Any, folder: Path, *, beside: Any = None) -> None:
    """Drag a real folder onto the page, through the browser's debugging protocol."""
    zone = tab.locator(".zone")
    zone.wait_for()
    settled(tab)
    eventually(tab, (beside or zone).bounding_box)  # there is none while the page is drawn anew
    box = (beside or zone).bounding_box()
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 20}
    protocol = tab.context.new_cdp_session(tab)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        protocol.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.jpg")}
