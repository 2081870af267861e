"""Folders as people name and nest them: every image has a class, is unlabelled or is not read, and which is said."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from autotl.data.listing import FOREIGN
from autotl.data.source import open_source

CLASSES = st.lists(
    st.sampled_from(["cat", "dog", "OK", "NG", "0", "1", "10", "benign", "Käfer", "с кофе", "no-defect", "7_up"]),
    min_size=2, max_size=4, unique=True,
)  # fmt: skip
SPLITS = st.sampled_from(
    [
        {"train": "train", "test": "test"},
        {"train": "training_set", "test": "test_set"},
        {"train": "seg_train", "test": "seg_test"},
        {"train": "Train images", "test": "Test images"},
        {"train": "Training", "validation": "Validation", "test": "Testing"},
        {"train": "TRAIN", "validation": "VALIDATION"},
        {"train": "train_data", "validation": "val_data", "test": "test_data"},
        {"train": "images_train", "test": "images_test"},
        {"train": "pets-train", "validation": "pets-valid", "test": "pets-test"},
        {"train": "trainset", "validation": "valset", "test": "testset"},
        {"train": "1_train", "validation": "2_val", "test": "3_test"},
        {"train": "train2017", "validation": "val2017"},
        {"train": "TrainData", "test": "HoldOut"},
        {"train": "Trainingsdaten", "test": "Testdaten"},
    ]
)
WRAPPED = st.sampled_from(["", "pets", "pets/pets", "data", "My Data (1)/archive"])
INSIDE = st.sampled_from(["", "images", "data/images", "imgs"])
ODD = st.lists(
    st.sampled_from(["to_sort", "unknown", "predict", "samples", "unlabelled", "Unlabeled data", "thumbs", "backup"]),
    max_size=2, unique=True,
)  # fmt: skip
UNREAD = st.lists(
    st.sampled_from(
        ["mlruns/0/art", "wandb/run-1", "runs/detect/exp", ".ipynb_checkpoints", ".git/x", "__MACOSX/cat", "@eaDir",
         "autotl-runs/pets-1/champion/replay"]
    ),
    max_size=2, unique=True,
)  # fmt: skip
N = 2


@st.composite
def layouts(draw):
    """(path, class, part) of images that have a class; the paths of images in odd folders; and those not to be read."""
    classes, around, inside = draw(CLASSES), draw(WRAPPED), draw(INSIDE)
    split, nesting = draw(SPLITS), draw(st.sampled_from(["class", "part/class", "class/part", "fold/class"]))
    wrap = f"{around}/" if around else ""
    deep = draw(st.sampled_from(["", "session 1/"]))
    labelled = []
    for label in classes:
        for part, name in split.items():
            folder = {
                "class": label,
                "part/class": "/".join(filter(None, (name, inside, label))),
                "class/part": f"{label}/{name}",
                "fold/class": f"fold_{len(name)}/{label}",
            }[nesting]
            given = part if "part" in nesting else ""
            labelled += [(f"{wrap}{folder}/{deep}{part}{k}.png", label, given) for k in range(N)]
    odd = [f"{wrap}{name}/{k}.png" for name in draw(ODD) for k in range(N)] if nesting != "fold/class" else []
    unread = [f"{draw(st.sampled_from(['', wrap]))}{name}/{k}.png" for name in draw(UNREAD) for k in range(N)]
    return labelled, odd, unread


@settings(derandomize=True, max_examples=120, deadline=None, database=None)
@given(layouts())
def test_every_image_has_its_class_and_part_or_is_said_to_have_none(tmp_path_factory, drawn):
    labelled, odd, unread = drawn
    root = tmp_path_factory.mktemp("data")
    for path in (*(path for path, *_ in labelled), *odd, *unread):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    source = open_source(root, cache=root)
    rows = {
        str((source.root / path).relative_to(root.resolve())): (label, part)
        for path, label, part in source.table[["path", "label", "given_split"]].itertuples(index=False)
    }  # fmt: skip
    # Every image that is read is there once, and no other.
    assert len(rows) == len(source.table)
    assert rows.keys() == {path for path, *_ in labelled} | set(odd)
    assert {path: rows[path] for path, *_ in labelled} == {path: (label, part) for path, label, part in labelled}
    # An odd folder has no class; or it is a class, and named in a warning.
    for path in odd:
        folder = path.split("/")[-2]
        assert rows[path] == ("", "") or any(folder in note.message for note in source.notes), path
    # The sentence counts the unlabelled images, and names the folders that are not read.
    counted = re.search(r"; (\d+) unlabelled images? ([^;]*)", source.layout)
    numbers = [int(counted[1]), *map(int, re.findall(r", (\d+) (?:in|beside)", counted[2]))] if counted else []
    assert sum(numbers) == sum(label == "" for label, _ in rows.values()), source.layout
    for path in unread:
        assert any(part in source.layout.partition("not read: ")[2] for part in path.split("/")), source.layout
    assert sum(source.ignored.get(kind, 0) for kind in ("hidden", "system", FOREIGN)) == len(
        {tuple(path.split("/")[:-1]) for path in unread}
    ), source.ignored
