"""What somebody wants classified may be a file, a folder, an archive or a table, labelled or not."""

from __future__ import annotations

import shutil

import pytest

from autotl.deploy.batch_prediction import image_files
from autotl.errors import ConfigError, DatasetError


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def test_folders_are_looked_through_and_files_are_taken_as_they_are(pets, cache, tmp_path):
    (pets / "cat" / "notes.txt").write_text("no picture")
    (pets / "cat" / "._side.png").write_bytes(b"of another system")
    single = tmp_path / "no-picture.bin"
    found = image_files([single, pets], cache=cache)
    assert found[0] == single
    assert found[1:] == sorted(path for path in pets.rglob("*.png") if not path.name.startswith("."))


def test_an_archive_is_unpacked_into_the_cache(pets, cache, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "new"), "zip", pets)
    found = image_files([tmp_path / "new.zip"], cache=cache)
    assert len(found) == 11
    assert archive and all(path.is_relative_to(cache) and path.is_file() for path in found)


def test_a_table_names_the_images_even_where_none_has_a_label(pets, cache):
    table = pets / "list.csv"
    table.write_text("path,label\ncat/circle-0-000.png,\ncat/gone.png,\n")
    assert image_files([table], cache=cache) == [pets / "cat/circle-0-000.png"]


def test_a_folder_without_images_is_told(cache, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="has no images in it"):
        image_files([tmp_path / "empty"], cache=cache)


def test_a_damaged_archive_is_told(pets, cache, tmp_path):
    shutil.make_archive(str(tmp_path / "new"), "zip", pets)
    (tmp_path / "new.zip").write_bytes((tmp_path / "new.zip").read_bytes()[:-200])
    with pytest.raises(DatasetError):
        image_files([tmp_path / "new.zip"], cache=cache)
