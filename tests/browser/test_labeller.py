"""The keyboard labeller in a real browser: keys, mouse, undo, a reload in the middle, many classes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from browsing import eventually, settled, sound
from label_data import write_image, write_pets
from playwright.sync_api import expect

from autotl.data.patch import patch_file, read_patch
from autotl_ui.workspace.workspace import Workspace

pytestmark = pytest.mark.heavy


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Cats and dogs, and eight images without a label, of which the third cannot be shown."""
    one = write_pets(Workspace(tmp_path), n_unlabelled=8)
    (one.path / "unlabelled" / "2.png").write_bytes(b"no image")
    return one.path


@pytest.fixture
def desk(pets: Path, tab: Any) -> Any:
    """The label page; nothing may go wrong in it."""
    tab.goto(f"{tab.url.rstrip('/')}/label")
    begin(tab)
    yield tab
    sound(tab)


def begin(tab: Any) -> None:
    tab.locator(".labeller .frame img").wait_for()


def press(tab: Any, *keys: str) -> None:
    for key in keys:
        tab.keyboard.press(key)


def stand(tab: Any, text: str) -> None:
    """Wait until the labeller says that it is at this image, and everything so far is saved."""
    expect(tab.locator(".labeller .count")).to_have_text(text)
    saved(tab)


def saved(tab: Any) -> None:
    expect(tab.locator(".labeller .kept")).to_have_text("Saved")  # and not "Not saved"


def labels(pets: Path) -> dict[str, str]:
    return {decision.item.removeprefix("unlabelled/"): decision.label for decision in read_patch(patch_file(pets))}


def test_keys_label_and_undo_and_a_reload_loses_nothing(desk: Any, pets: Path) -> None:
    press(desk, "1", "2")  # the third is skipped by itself, for it cannot be shown
    stand(desk, "4 of 8")
    desk.locator(".labeller .news", has_text="number 3").wait_for()
    press(desk, "x", "Space", "2", "u")
    stand(desk, "6 of 8")
    assert labels(pets) == {"0.png": "cat", "1.png": "dog", "3.png": ""}
    press(desk, "ArrowLeft", "1")  # what was skipped, after all
    stand(desk, "6 of 8")
    assert labels(pets)["4.png"] == "cat"
    desk.reload()
    begin(desk)
    desk.locator(".labeller .count", has_text="of 4").wait_for()
    assert len(labels(pets)) == 4


def test_a_burst_of_keys_is_kept_whole(desk: Any, pets: Path) -> None:
    press(desk, *"1212121")
    desk.locator(".labeller .frame", has_text="That was all").wait_for()
    saved(desk)
    assert list(labels(pets).values()) == ["cat", "dog", "cat", "dog", "cat", "dog", "cat"]


def test_keys_that_come_faster_than_images_label_what_is_shown_afterwards(desk: Any, pets: Path) -> None:
    held: list[Any] = []
    slow = [True]
    desk.route("**/autotl/item/**", lambda route: held.append(route) if slow else route.continue_())
    desk.reload()
    eventually(desk, lambda: len(held) == 8)
    press(desk, *"1212121")
    desk.locator(".labeller .count", has_text="1 of 8").wait_for()
    assert not labels(pets)
    slow.clear()
    for route in held:
        route.continue_()
    desk.locator(".labeller .frame", has_text="That was all").wait_for()
    saved(desk)
    assert list(labels(pets)) == [f"{number}.png" for number in (0, 1, 3, 4, 5, 6, 7)]


def test_buttons_do_what_keys_do_and_typing_elsewhere_labels_nothing(desk: Any, pets: Path) -> None:
    desk.locator(".labeller").get_by_role("button", name="dog").click()
    press(desk, "1")  # keys work on after a click
    stand(desk, "4 of 8")
    desk.locator(".labeller").get_by_role("button", name="Undo").click()
    stand(desk, "2 of 8")
    desk.get_by_text("Name and classes").click()
    desk.get_by_role("textbox", name="Your name, if you like").press_sequentially("x1 Ann")
    press(desk, "Enter")
    settled(desk)
    assert labels(pets) == {"0.png": "dog"}


def test_the_keys_label_again_once_a_popover_is_closed_or_a_switch_was_clicked(desk: Any, pets: Path) -> None:
    desk.get_by_text("Name and classes").click()
    desk.get_by_role("textbox", name="A new class").fill("bird")
    press(desk, "Enter")
    desk.locator(".labeller").get_by_role("button", name="bird").wait_for()
    press(desk, "Escape")
    desk.get_by_role("dialog").wait_for(state="detached")
    expect(desk.locator("section.labeller")).to_be_focused()
    press(desk, "Space", "3")  # the first is skipped, and after the second comes one that cannot be shown
    stand(desk, "4 of 8")
    expect(desk.get_by_role("dialog")).to_have_count(0)
    desk.get_by_text("Show label and guess").click()
    desk.locator(".labeller .hints", has_text="Label now").wait_for()
    press(desk, "Space", "1")
    stand(desk, "6 of 8")
    assert labels(pets) == {"1.png": "bird", "4.png": "cat"}
    expect(desk.get_by_role("switch", name="Show label and guess")).to_be_checked()


def test_what_was_said_is_said_when_one_goes_back_also_after_another_page(desk: Any) -> None:
    press(desk, "1", "ArrowLeft")
    desk.locator(".labeller .reason", has_text="You said: cat").wait_for()
    saved(desk)
    desk.get_by_role("link", name="Models").click()
    desk.get_by_role("heading", name="Models").wait_for()
    desk.get_by_role("link", name="Label", exact=True).click()
    begin(desk)
    desk.locator(".labeller .reason", has_text="Labelled already").wait_for()
    press(desk, *(["Space"] * 8))
    expect(desk.get_by_text("That was all: 1 labelled here, 7 left as they were.")).to_be_visible()
    expect(desk.get_by_role("button", name="Go through what is left")).to_be_visible()


def test_without_a_class_the_desk_says_so(desk: Any, pets: Path) -> None:
    shutil.rmtree(pets / "cat")
    shutil.rmtree(pets / "dog")
    desk.reload()
    begin(desk)
    expect(desk.locator(".labeller .classes", has_text="There is no class yet.")).to_be_visible()


def test_with_many_classes_the_first_letters_pick(desk: Any, pets: Path) -> None:
    for number in range(9):
        write_image(pets / f"bird {chr(ord('a') + number)}" / "0.png", shade=number)
    desk.reload()
    begin(desk)
    press(desk, *"bird", "Space", *"c")  # a name in full needs no Enter
    stand(desk, "2 of 8")
    press(desk, "d", "Enter")  # what begins with it comes before what has a word that does
    stand(desk, "4 of 8")
    assert labels(pets) == {"0.png": "bird c", "1.png": "dog"}


def test_a_second_window_is_told_what_was_labelled_meanwhile_and_keeps_the_keys(desk: Any, pets: Path) -> None:
    other = desk.context.browser.new_page()
    other.goto(desk.url)
    begin(other)
    desk.get_by_text("Name and classes").click()
    desk.get_by_role("textbox", name="A new class").fill("ant")
    press(desk, "Enter", "Escape")
    desk.locator(".labeller").get_by_role("button", name="ant").wait_for()
    desk.get_by_role("dialog").wait_for(state="detached")
    desk.locator(".labeller").get_by_role("button", name="dog").click()
    stand(desk, "2 of 8")
    press(other, "1")
    other.get_by_text("Image 1 was labelled meanwhile as dog").wait_for()
    expect(other.locator(".labeller .kept")).to_have_text("Not saved")
    expect(other.locator(".labeller .classes button")).to_have_text(["1cat", "2dog", "3ant"])
    assert labels(pets) == {"0.png": "dog"}
    other.get_by_role("button", name="Change to cat").click()
    stand(other, "2 of 8")
    assert labels(pets) == {"0.png": "cat"}
    desk.reload()
    begin(desk)
    expect(desk.locator(".labeller .classes button")).to_have_text(["1cat", "2dog", "3ant"])
