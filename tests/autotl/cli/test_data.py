"""Data of any shape through the command line: check, fix, fit, predict."""

from __future__ import annotations

import base64
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import run_here as autotl
from pairs_on_disk import write_listing

pytestmark = pytest.mark.heavy


def test_check_says_what_it_found_and_writes_a_page_with_images(shapes: Path, tmp_path: Path) -> None:
    document = json.loads(autotl("check", shapes, "--json", cwd=tmp_path).stdout)
    assert document["classes"] == {"circle": 24, "square": 20, "stripes": 16}
    assert any(finding["check"] == "class-sizes" for finding in document["findings"])
    assert document["skipped"] == ""
    page = (tmp_path / document["page"]).read_text(encoding="utf-8")
    assert "class-sizes" in page and "data:image/jpeg;base64," in page


def test_check_of_data_that_fit_would_refuse_shows_them_and_ends_with_2(tmp_path: Path, make_folder: Any) -> None:
    data = make_folder(tmp_path / "data", circle=8, square=1)
    done = autotl("check", data, "--quick", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert "square: 1" in done.stderr
    assert "square: 1" in json.loads(done.stdout)["refusal"]
    assert (tmp_path / "data-check.html").exists()


def test_decisions_are_noted_beside_the_data_applied_by_the_next_fit_and_undone(shapes: Path, tmp_path: Path) -> None:
    data = tmp_path / "my shapes"
    shutil.copytree(shapes, data)
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    first, second, third = (path.relative_to(data).as_posix() for path in sorted((data / "circle").iterdir())[:3])
    done = autotl("fix", data, "--exclude", first, "--relabel", f"{second}=square", "--merge", "stripes=square")
    assert done.returncode == 0, done.stderr
    assert "3 decisions" in done.stdout
    patch = tmp_path / "my shapes.patch.csv"
    assert patch.read_text(encoding="utf-8").startswith("decision,item,label,sha256,note")
    counts = json.loads(autotl("check", data, "--quick", "--json", cwd=tmp_path).stdout)["classes"]
    assert counts == {"circle": 22, "square": 37}
    fitted = autotl("fit", data, "--run", "run", "--trials", "1", "--strategy", "probe", "--json", cwd=tmp_path)
    assert fitted.returncode == 0, fitted.stderr
    assert sum(json.loads(fitted.stdout)["n_items"].values()) == 59
    assert "leaves out 1 images and relabels 17" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    left = json.loads(autotl("fix", data, "--undo", "stripes", "--json").stdout)["decisions"]
    assert [decision["decision"] for decision in left] == ["exclude", "relabel"]
    patch.unlink()
    again = json.loads(autotl("check", data, "--quick", "--json", cwd=tmp_path).stdout)
    assert again["classes"] == {"circle": 24, "square": 20, "stripes": 16}
    assert len(again["changes"]["relabelled"]) == 17
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before
    wrong = autotl("fix", data, "--exclude", third.replace("circle-", "circel-"))
    assert wrong.returncode == 2
    assert "did you mean" in wrong.stderr


def test_pairs_of_a_listing_are_checked_and_decided_about(tmp_path: Path) -> None:
    listing = write_listing(tmp_path / "shop", 24)
    columns = ("--text", "description", "--image", "photo")
    document = json.loads(autotl("check", listing, *columns, "--quick", "--json", cwd=tmp_path).stdout)
    assert document["layout"].startswith("listing.csv, pairs of images in the files that the column 'photo' names and")
    assert document["n_items"] == 24
    page = (tmp_path / document["page"]).read_text(encoding="utf-8")
    assert "data:image/jpeg;base64," in page and '<q class="excerpt"' in page
    assert re.search(r"<bdi>\d{3}\.png \(row-\d{6}\.pair\)</bdi>", page)
    assert f"autotl fix {listing} --text description --image photo --exclude row-" in page
    done = autotl("fix", listing, *columns, "--exclude", "row-000001.pair", "--json")
    assert json.loads(done.stdout)["decisions"][0]["item"] == "row-000001.pair"
    document = json.loads(autotl("check", listing, *columns, "--quick", "--json", cwd=tmp_path).stdout)
    assert (document["n_items"], document["stale"]) == (23, [])
    wrong = autotl("fit", listing, "--text", "description", "--image", "foto")
    assert wrong.returncode == 2
    assert "no column 'foto'" in wrong.stderr and "Did you mean 'photo'?" in wrong.stderr


def test_images_without_a_label_are_kept_for_prediction(shapes: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(shapes, data)
    next((data / "circle").iterdir()).rename(data / "whatever.png")
    done = autotl("fit", data, "--run", "run", "--trials", "1", "--strategy", "probe", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 unlabelled" in done.stderr
    (row,) = json.loads(autotl("predict", "run", "--unlabelled", "--json", cwd=tmp_path).stdout)
    assert row["item"].endswith("whatever.png") and row["label"] in ("circle", "square", "stripes")
    nothing = autotl("predict", "run", cwd=tmp_path)
    assert nothing.returncode == 2
    assert "--unlabelled" in nothing.stderr


@pytest.mark.parametrize("shape", ["zip", "csv in a tar", "base64", "given split"])
def test_data_of_any_shape_are_learned_from(shape: str, shapes: Path, tmp_path: Path) -> None:
    pictures = sorted(shapes.rglob("*.png"))
    data = tmp_path / "data"
    if shape == "zip":
        shutil.make_archive(str(data), "zip", shapes.parent, shapes.name)
        data = tmp_path / "data.zip"
    elif shape == "csv in a tar":
        flat = tmp_path / "flat"
        flat.mkdir()
        rows = ["file,shape,edge"]
        for path in pictures:
            shutil.copyfile(path, flat / path.name)
            rows.append(f"{path.name},{path.parent.name},64")
        (flat / "labels.csv").write_text("\n".join(rows))
        shutil.make_archive(str(data), "gztar", flat)
        data = tmp_path / "data.tar.gz"
    elif shape == "base64":
        data = tmp_path / "data.csv"
        rows = [f"{base64.b64encode(path.read_bytes()).decode()},{path.parent.name}" for path in pictures]
        data.write_text("\n".join(["image,label", *rows]))
    else:
        for i, path in enumerate(pictures):
            folder = data / ("test" if i % 4 == 0 else "train") / path.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / path.name)
    options = ("--label", "shape") if shape == "csv in a tar" else ()
    done = autotl("fit", data, "--run", "run", "--trials", "1", "--strategy", "probe", "--json", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert set(document["test"]) >= {"recall[circle]", "recall[square]", "recall[stripes]"}
    if shape == "given split":
        assert document["n_items"]["test"] == 15
