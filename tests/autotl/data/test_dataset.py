"""Which datasets can be learned from, and what their fingerprint depends on."""

from __future__ import annotations

import shutil

import pytest
from scanning import scan, write_noise, write_pets

from autotl.data.dataset import MIN_IMAGES_PER_CLASS, require_learnable
from autotl.data.patch import Decision, patch_file, write_patch
from autotl.errors import DatasetError


@pytest.fixture
def pets(tmp_path):
    return write_pets(tmp_path / "pets")


def test_one_class_is_not_enough(pets):
    shutil.rmtree(pets / "dog")
    with pytest.raises(DatasetError, match=r"pets has 1 class with images \(cat\).* at least 2.*sub-folder"):
        require_learnable(scan(pets), pets)


@pytest.mark.parametrize("n", [1, MIN_IMAGES_PER_CLASS - 1])
def test_a_class_with_too_few_images_is_named_with_its_count_and_what_to_do(pets, n):
    for i in range(n):
        write_noise(pets / "bird" / f"{i}.png", 200 + i)
    with pytest.raises(DatasetError, match=rf"too few .* 1 of its classes \(bird: {n}\).*at least 4.*Add images"):
        require_learnable(scan(pets), pets)


def test_unreadable_images_do_not_count_and_are_mentioned(pets):
    for i in range(4):
        (pets / "dog" / f"{i}.png").write_text("x")
    with pytest.raises(DatasetError, match=r"\(dog: 0\).*4 files could not be read, such as dog/0\.png"):
        require_learnable(scan(pets), pets)


def test_the_fingerprint_follows_contents_and_labels_but_not_names_or_order(pets, tmp_path):
    before = scan(pets).fingerprint
    renamed = shutil.copytree(pets, tmp_path / "renamed")
    (renamed / "cat" / "0.png").rename(renamed / "cat" / "z.png")
    assert scan(renamed).fingerprint == before
    (renamed / "cat" / "z.png").rename(renamed / "dog" / "z.png")
    assert scan(renamed).fingerprint != before
    write_noise(pets / "cat" / "0.png", 77)
    assert scan(pets).fingerprint != before


def test_an_excluded_image_changes_the_fingerprint_and_is_not_called_unreadable(pets, tmp_path):
    before = scan(pets, cache=tmp_path / "cache")
    paths = before.items["path"][before.items["label"] == "dog"]
    write_patch(patch_file(pets), [Decision("exclude", path) for path in paths[:2]])
    after = scan(pets, cache=tmp_path / "cache")
    assert after.fingerprint != before.fingerprint
    assert after.table["path"][after.excluded].tolist() == paths[:2].tolist()
    with pytest.raises(DatasetError) as error:
        require_learnable(after, pets)
    assert "dog: 2" in str(error.value)
    assert "could not be read" not in str(error.value)


def test_a_folder_of_unlabelled_images_has_no_class(tmp_path, toy_dataset):
    dataset = toy_dataset(["", ""])
    with pytest.raises(DatasetError, match="has no class with images; classification needs at least 2"):
        require_learnable(dataset, tmp_path)
