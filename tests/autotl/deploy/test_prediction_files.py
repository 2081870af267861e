"""What somebody wants classified may be a file, a folder, an archive or a table, labelled or not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from autotl.deploy.prediction_files import collect
from autotl.errors import ConfigError, DatasetError


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def test_folders_are_looked_through_and_files_are_taken_as_they_are(pets, cache, tmp_path):
    (pets / "cat" / "notes.txt").write_text("no picture")
    (pets / "cat" / "._side.png").write_bytes(b"of another system")
    single = tmp_path / "no-picture.bin"
    found = collect([single, pets], cache=cache)
    assert found[0].name == str(single)
    expected = sorted(path for path in pets.rglob("*.png") if not path.name.startswith("."))
    assert [one.name for one in found[1:]] == list(map(str, expected))


def test_images_in_memory_stand_among_paths_in_their_place(pets, cache):
    found = collect([b"bytes", "gone.png", pets / "cat", np.zeros((4, 4)), None], cache=cache)
    inside = sorted(map(str, (pets / "cat").iterdir()))
    assert [one.name for one in found] == ["item 0", "gone.png", *inside, "item 3", "item 4"]


@pytest.mark.parametrize("path", ["", "\0", "x" * 5000, "~nobody-of-this-name/a.png", "gone.zip", "gone.csv"])
def test_a_path_that_leads_nowhere_is_one_image(path, cache):
    assert len(collect(path, cache=cache)) == 1


def test_the_home_folder_may_be_written_as_a_tilde(pets, cache, monkeypatch):
    monkeypatch.setenv("HOME", str(pets.parent))
    found = collect(f"~/{pets.name}/cat", cache=cache)
    assert found[0].name.startswith(f"~/{pets.name}/cat/")
    assert Path(found[0].image).is_file()


def test_the_images_of_an_archive_are_named_as_in_it(pets, cache, tmp_path):
    shutil.make_archive(str(tmp_path / "new"), "zip", pets)
    found = collect([tmp_path / "new.zip"], cache=cache)
    assert [one.name for one in found] == sorted(str(path.relative_to(pets)) for path in pets.rglob("*.png"))
    assert all(Path(one.image).is_relative_to(cache) and Path(one.image).is_file() for one in found)


CAT, DOG = "cat/circle-0-000.png", "dog/square-0-001.png"


@pytest.mark.parametrize(
    "text",
    [
        "path,label\n{rows}",
        "path\n{rows}",
        "label;file_name\n{rows}",
        "\ufefffilename,label\n{rows}",
        "id,species,image_path\n{rows}",
    ],
)
def test_a_table_has_an_answer_for_every_row_in_its_order_and_by_its_names(text, pets, cache):
    names = [DOG, CAT, "cat/gone.png", "./" + DOG, CAT, str(pets / CAT)]
    header = text.partition("\n")[0].lstrip("\ufeff")
    mark = ";" if ";" in header else ","
    columns = header.split(mark)
    names += [""] if len(columns) > 1 else []  # otherwise it is an empty line
    place = next(i for i, name in enumerate(columns) if name in ("path", "file_name", "filename", "image_path"))
    rows = [mark.join(name if i == place else f"v{n}" for i in range(len(columns))) for n, name in enumerate(names)]
    table = pets / "list.csv"
    table.write_text(text.format(rows="\n".join(rows) + "\n"), encoding="utf-8")
    found = collect([table], cache=cache)
    assert [one.name for one in found if one.name in names] == [name for name in names if name]
    assert [bool(one.problem) for one in found] == [name in ("", "cat/gone.png") for name in names]
    assert all(Path(one.image).is_file() for one in found if not one.problem)


def test_a_table_may_hold_the_images_themselves(pets, cache, tmp_path):
    images = [(pets / name).read_bytes() for name in (DOG, CAT, DOG)]
    pd.DataFrame({"image": [*images, b""]}).to_parquet(tmp_path / "stored.parquet")
    found = collect([tmp_path / "stored.parquet"], cache=cache)
    assert [Path(one.image).read_bytes() for one in found[:3]] == images
    assert [one.name for one in found[:3]] == [f"row-00000{n}.png" for n in (1, 2, 3)]
    assert found[3].problem


def test_a_folder_without_images_is_told(cache, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="has no images in it"):
        collect([tmp_path / "empty"], cache=cache)


def test_a_table_without_rows_is_told(cache, tmp_path):
    (tmp_path / "list.csv").write_text("path,label\n")
    with pytest.raises(DatasetError, match="has no rows"):
        collect([tmp_path / "list.csv"], cache=cache)


def test_a_damaged_archive_is_told(pets, cache, tmp_path):
    shutil.make_archive(str(tmp_path / "new"), "zip", pets)
    (tmp_path / "new.zip").write_bytes((tmp_path / "new.zip").read_bytes()[:-200])
    with pytest.raises(DatasetError):
        collect([tmp_path / "new.zip"], cache=cache)
