"""An item of any kind is shown through one route: images as thumbnails, texts as their beginning or as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from asgi import ask
from label_data import write_image
from starlette.routing import Route

from autotl.pairs.pair_files import named_parts
from autotl_ui.widgets.items import ROUTE, is_text, item_address, name_of, places_of, serve_item

ROUTES = [Route(ROUTE + "{token}", serve_item)]


def show(file: Path, pixels: int) -> tuple[int, bytes]:
    answer = ask(ROUTES, "GET", item_address(file, pixels))
    return answer.status, answer.body


def test_a_text_is_served_as_its_beginning_and_as_a_whole_where_there_is_room(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one line\nand <b>many</b> more words " + "on and on " * 100, encoding="utf-8")
    status, excerpt = show(file, 240)
    assert (status, excerpt.decode().endswith("…")) == (200, True)
    assert len(excerpt.decode()) <= 201
    status, whole = show(file, 900)
    assert (status, whole.decode()) == (200, file.read_text(encoding="utf-8"))
    assert is_text(file)


def test_an_image_is_served_as_an_image(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", shade=9)
    status, body = show(tmp_path / "a.png", 240)
    assert (status, body[:2]) == (200, b"\xff\xd8")
    assert not is_text(tmp_path / "a.png")


def test_a_pair_is_served_as_its_image_and_as_its_text(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", shade=9)
    (tmp_path / "a.txt").write_text("a blue shirt", encoding="utf-8")
    file = tmp_path / "row-1.pair"
    file.write_bytes(named_parts("a.png", "a.txt"))
    assert show(file, 240)[1][:2] == b"\xff\xd8"
    assert ask(ROUTES, "GET", item_address(file, 240, words=True)).body == b"a blue shirt"
    places = places_of(file, 240)
    assert (places["text"], places["words"] != "") == (False, True)
    assert places_of(tmp_path / "a.png", 240)["words"] == ""


def test_the_caption_of_a_pair_names_its_image(tmp_path: Path) -> None:
    file = tmp_path / "row-000001.pair"
    file.write_bytes(named_parts("photos/frog.png", "row-000001.txt"))
    assert name_of(file, "row-000001.pair") == "frog.png (row-000001.pair)"
    file.write_bytes(named_parts("row-000001.png", "row-000001.txt"))  # an image that the table holds
    assert name_of(file, "row-000001.pair") == "row-000001.pair"
    file.write_bytes(b"{")
    assert name_of(file, "row-000001.pair") == "row-000001.pair"
    assert name_of(tmp_path / "gone.pair", "gone.pair") == "gone.pair"
    assert name_of(tmp_path / "cat" / "a.png", "cat/a.png") == "cat/a.png"


@pytest.mark.parametrize(("name", "content"), [("a.txt", b"\0\1\2" * 50), ("a.png", b"no image"), ("gone.txt", None)])
def test_what_cannot_be_shown_is_served_as_nothing(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert show(tmp_path / name, 240) == (204, b"")


def test_an_address_that_is_not_ours_is_unknown() -> None:
    assert ask(ROUTES, "GET", f"{ROUTE}made-up").status == 404
