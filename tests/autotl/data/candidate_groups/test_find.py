"""Which images may belong together, as names, folders, EXIF data, tables and near-duplicates tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scanning import scan

from autotl.data.candidate_groups.candidate import plausible
from autotl.data.candidate_groups.find import candidate_groups, group_by_name
from autotl.data.candidate_groups.from_email import by_email
from autotl.data.groups import read_groups
from autotl.data.source import open_source
from autotl.errors import DatasetError

POSES = ("attack-1", "attack-2", "defend", "idle-1", "idle-2")
UNITS = tuple(f"{first}{second}" for first in ("kn", "el", "or") for second in ("ight", "der", "ark", "ven"))


@pytest.fixture
def named(toy_dataset):
    """named(paths, **columns): a dataset of these files, whose class is the first folder."""

    def named(paths, **columns):
        return toy_dataset([path.split("/")[0] for path in paths], path=paths, **columns)

    return named


def paths_of(name, *, n_groups=12, n_each=5, classes=("cat", "dog")):
    """name(group, number): a file name; the groups are dealt out to the classes in turn."""
    return [f"{classes[g % len(classes)]}/{name(g, i)}" for g in range(n_groups) for i in range(n_each)]


NAMES = {
    "a unit and its pose": (lambda g, i: f"{UNITS[g]}-{POSES[i]}.png", "first-word"),
    "a patient": (lambda g, i: f"scan_patient{g:02d}_{i}_{97 * g + i}.jpg", "patient"),
    "a patient in short": (lambda g, i: f"p{g:03d}s{i}.jpg", "patient"),
    "a subject in capitals": (lambda g, i: f"SUBJECT-{g}_view{i}.jpg", "subject"),
    "a case with a letter": (lambda g, i: f"img{i:02d}-case-A{g}.jpg", "case"),
    "frames of a film": (lambda g, i: f"film{g}_frame_{i:04d}.png", "film"),
    "two numbers": (lambda g, i: f"{g:04d}_{i}.png", "first-word"),
    "a folder": (lambda g, i: f"{UNITS[g]}/{i}.png", "folder"),
    "a folder of one patient": (lambda g, i: f"patient_{g}/{i}.png", "patient"),
    "times in names": (lambda g, i: f"IMG_20240131_12{g:02d}0{i}.jpg", "burst"),
}


@pytest.mark.parametrize("kind", NAMES)
def test_the_true_groups_are_the_first_candidate(named, kind):
    name, expected = NAMES[kind]
    paths = paths_of(name)
    found = candidate_groups(named(paths))
    first = found[0]
    assert first.name == expected
    assert first.n_groups == 12
    assert len(np.unique(first.numbers().reshape(12, 5), axis=1).T) == 1
    assert all(": " in example for example in first.examples)


NOT_GROUPS = {
    "counters": lambda g, i: f"{5 * g + i:04d}.png",
    "a word and a counter": lambda g, i: f"train-{5 * g + i:05d}.png",
    "the camera's numbers": lambda g, i: f"IMG_{5 * g + i:04d}.JPG",
    "hashes": lambda g, i: f"{(5 * g + i) * 2654435761 % 2**32:08x}.png",
    "descriptions": lambda g, i: f"{UNITS[g]}-{'abcde'[i]}{UNITS[(g + i) % 12]}.png",
}


@pytest.mark.parametrize("kind", NOT_GROUPS)
def test_names_without_groups_give_no_candidate(named, kind):
    assert candidate_groups(named(paths_of(NOT_GROUPS[kind]))) == []


def test_what_is_the_label_or_one_group_is_no_candidate(named):
    paths = [f"{label}/{label}-{i}-x.png" for label in ("cat", "dog") for i in range(20)]
    assert candidate_groups(named(paths)) == []


def test_groups_that_restate_a_number_or_a_label_are_no_candidate(named):
    paths = [f"images/{i:03d}.png" for i in range(120)]
    ages = np.random.default_rng(0).uniform(20, 80, 120)
    bands = [f"band{int(age // 10)}" for age in ages]
    persons = [f"person{i // 10}" for i in range(120)]
    found = named(paths, **{"attribute.age_group": bands, "attribute.who": persons})
    numbers = replace(found, table=found.table.assign(label=[f"{age:.1f}" for age in ages]), kind="number")
    assert [one.name for one in candidate_groups(numbers)] == ["who"]
    names = ("cat", "dog", "owl", "fox")
    tags = [";".join(sorted({names[i % 4], names[i * 7 // 4 % 4]})) for i in range(120)]
    found = named(paths, **{"attribute.series": [names[i % 4] for i in range(120)], "attribute.who": persons})
    labels = replace(found, table=found.table.assign(label=tags), kind="labels")
    assert [one.name for one in candidate_groups(labels)] == ["who"]


def test_every_image_of_a_number_keeps_the_group_that_was_named(named):
    dataset = named(paths_of(lambda g, i: f"patient{g}_{i}.png"))
    table = dataset.table.assign(label=[f"{value:.2f}" for value in np.linspace(0, 9, 60)])
    groups = read_groups("patient", table, dataset.root, "number")
    assert groups.nunique() == 12
    assert (groups != "").all()


def test_a_label_of_one_or_two_groups_is_left_out_of_the_groups_that_were_named(named):
    dataset = named(paths_of(lambda g, i: f"patient{g}_{i}.png"))
    table = dataset.table.assign(label=["cat;rare" if place < 5 else "cat;dog" for place in range(60)])
    groups = read_groups("patient", table, dataset.root, "labels").to_numpy()
    assert (groups[:5] == "").all()
    assert (groups[5:] != "").all()


def test_groupings_that_say_the_same_are_one(named):
    paths = paths_of(lambda g, i: f"patient{g}/patient{g}_{i}.png")
    names = [one.name for one in candidate_groups(named(paths))]
    assert names == ["patient"]


def test_columns_that_repeat_are_candidates_and_those_that_only_describe_do_not_decide(named):
    paths = paths_of(lambda g, i: f"{97 * (5 * g + i) % 60:03d}.png")
    group = [str(g) for g in range(12) for _ in range(5)]
    other = [str(i * 7 % 9) for i in range(60)]
    found = candidate_groups(named(paths, **{"attribute.weight": other, "attribute.patient_id": group}))
    assert [(one.name, one.decides) for one in found] == [("patient_id", True), ("weight", False)]


def test_near_duplicates_come_last(toy_dataset):
    pairs = [(2 * i, 2 * i + 1, 0.7) for i in range(10)]
    found = candidate_groups(toy_dataset(["cat"] * 20 + ["dog"] * 20, pairs))
    assert [one.name for one in found] == ["near-duplicates"]


def test_a_class_of_one_or_two_groups_has_no_answer(named):
    paths = paths_of(lambda g, i: f"patient{g}_{i}.png", n_groups=9)
    paths += [f"wolf/patient99_{i}.png" for i in range(5)]
    found = candidate_groups(named(paths))[0]
    assert found.unanswerable(named(paths).labels).tolist() == [2]


def test_an_inferred_grouping_leaves_classes_without_an_answer_mixed(named):
    paths = paths_of(lambda g, i: f"patient{g}_{i}.png", n_groups=9)
    dataset = named(paths + [f"wolf/patient99_{i}.png" for i in range(5)])
    groups = group_by_name("patient", dataset.items, dataset.root)
    assert ((groups == "") == (dataset.items["label"] == "wolf")).all()


def test_bursts_cameras_and_sessions_come_from_exif_data(tmp_path):
    rng = np.random.default_rng(0)
    for shot in range(40):
        burst, label = shot // 4, "cat" if (shot // 4) % 2 else "dog"
        exif = Image.Exif()
        exif[0x9003] = f"2024:01:31 {8 + burst // 5:02d}:{10 * (burst % 5):02d}:{shot % 4:02d}"
        exif[0x0110] = f"Camera {burst % 5}"
        path = tmp_path / label / f"{rng.integers(10**9)}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path, exif=exif)
    dataset = scan(tmp_path)
    found = {one.name: one.n_groups for one in candidate_groups(dataset)}
    assert found["burst"] == 10
    assert found["exif:Model"] == 5
    assert (group_by_name("burst", dataset.items, dataset.root) != "").all()


def test_an_inferred_grouping_can_be_named_and_none_means_none(tmp_path):
    rng = np.random.default_rng(0)
    for path in paths_of(lambda g, i: f"{g:02d}_{i}.png", n_groups=6, n_each=2):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(tmp_path / path)
    groups = scan(tmp_path, groups="first-word").items["group"]
    assert groups.nunique() == 6
    assert (scan(tmp_path, groups="none").items["group"] == "").all()
    with pytest.raises(DatasetError, match="capturing group"):
        scan(tmp_path, groups="first-wrod")


# Texts


def test_authors_threads_and_subjects_of_texts_are_candidates_that_decide(named):
    paths = [f"row-{k:06d}.txt" for k in range(48)]
    columns = {
        "author": [f"author {k // 4}" for k in range(48)],
        "thread": [f"t{k // 6}" for k in range(48)],
        "subject": [("Re: " if k % 3 else "") + f"Subject no. {k // 3}" for k in range(48)],
        "length": [str(k % 7) for k in range(48)],
    }
    dataset = named(paths, **{f"attribute.{name}": values for name, values in columns.items()})
    dataset = replace(dataset, table=dataset.table.assign(label=["cat", "dog"] * 24), modality="text")
    found = {one.name: one for one in candidate_groups(dataset)}
    assert list(found) == ["subject-thread", "author", "thread", "length"]
    assert [found[name].decides for name in found] == [True, True, True, False]
    assert [found[name].n_groups for name in found] == [16, 12, 8, 7]
    again = group_by_name("subject-thread", dataset.items, dataset.root)
    assert again.nunique() == 16


def test_threads_of_emails_come_from_their_headers(tmp_path):
    for k in range(48):
        folder = tmp_path / ("ham", "spam")[k % 2]
        folder.mkdir(exist_ok=True)
        reference = f"References: <{k // 6}@x>\n" if k % 6 else ""
        (folder / f"{97 * k % 101}.eml").write_text(
            f"From: s{k % 5}@x\nSubject: no {k}\nMessage-ID: <{f'{k}.' * bool(k % 6)}{k // 6}@x>\n{reference}\nBody"
        )
    source = open_source(tmp_path, cache=tmp_path / "cache")
    found = {one.name: one for one in plausible(by_email(source.table, source.root), np.arange(48) % 2)}
    assert list(found) == ["email-thread", "email-sender"]
    assert (found["email-thread"].n_groups, found["email-sender"].n_groups) == (8, 5)
    table = source.table.assign(quarantine="")
    groups = read_groups("email-thread", table, source.root)
    assert groups.nunique() == 8
    with pytest.raises(DatasetError, match="gives none of the 48 texts a group"):
        read_groups("exif:Model", table, source.root)
