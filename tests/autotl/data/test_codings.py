"""What people say of images is kept as decisions."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from autotl.data.codings import Coding, NotKept, coder_name, decisions_by_image, keep_decisions
from autotl.data.patch import Decision, patch_file, read_patch
from autotl.data.source import open_source

MOMENT = 1_790_000_000.0
BARE, CAT = "unlabelled/0.png", "cat/0.png"


class Pets:
    """A dataset of two classes and some images without a label."""

    def __init__(self, folder: Path) -> None:
        self.data, self.cache = folder / "pets", folder / "cache"
        self.patch_file = patch_file(self.data)
        names = [*(f"{label}/{i}.png" for label in ("cat", "dog") for i in range(4)), BARE, "unlabelled/1.png"]
        for shade, name in enumerate(names):
            (self.data / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (30, 20), (20 * shade, 0, 0)).save(self.data / name)

    def keep(self, changes: dict[str, Decision | None]) -> NotKept:
        return keep_decisions(
            self.data, changes, patch=None, cache=self.cache,
            open_data=lambda: open_source(self.data, cache=self.cache, need_labels=False),
        )  # fmt: skip


@pytest.fixture
def pets(tmp_path: Path) -> Pets:
    return Pets(tmp_path)


@pytest.mark.parametrize(("coder", "note"), [("", "labelled, 2026-"), ("Ann Ö.", "labelled by Ann Ö., 2026-")])
@pytest.mark.parametrize("label", ["", "cat"])
def test_a_coding_is_kept_with_its_coder_and_the_content_it_was_about(
    pets: Pets, coder: str, note: str, label: str
) -> None:
    pets.keep({BARE: Coding(coder, BARE, label, MOMENT).decision})
    [kept] = read_patch(pets.patch_file)
    assert (kept.decision, kept.item, kept.label) == ("relabel" if label else "exclude", BARE, label)
    assert kept.note.startswith(note)
    assert len(kept.sha256) == 64


def test_decisions_are_taken_back_and_others_stay(pets: Pets) -> None:
    pets.keep({BARE: Coding("", BARE, "cat", MOMENT).decision, CAT: Coding("", CAT, "", MOMENT).decision})
    pets.keep({BARE: None, "unlabelled/1.png": None})
    assert decisions_by_image(pets.patch_file).keys() == {CAT}


def test_of_what_is_not_in_the_data_nothing_is_kept_and_the_rest_is(pets: Pets) -> None:
    foreign = "../../etc/passwd"
    assert pets.keep({foreign: Decision("exclude", foreign)}) == NotKept((foreign,))
    assert not pets.patch_file.exists()
    (pets.data / CAT).unlink()
    changes = {item: Decision("exclude", item) for item in (CAT, BARE)}
    assert pets.keep(dict(changes)) == NotKept((CAT,))
    assert decisions_by_image(pets.patch_file).keys() == {BARE}


def test_a_name_fits_into_a_note() -> None:
    assert coder_name("  Ann,\n Smith ") == "Ann Smith"
    assert len(coder_name("x" * 500)) == 60
