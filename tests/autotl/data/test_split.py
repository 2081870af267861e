"""Which items train, which validate, and which are held out for the test."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from autotl.data.split import (
    LEFT_OUT_FOLD,
    MIN_KEPT_ITEMS,
    TEST_FOLD,
    Split,
    fold_together,
    reading_order,
    split,
    subsample,
)
from autotl.errors import DatasetError
from autotl.targets import label_text

SEEDS = (0, 1, 2)


def named(**n):
    """Labels by count: named(cat=3, dog=1) is cat, cat, cat, dog."""
    return [label for label, count in n.items() for _ in range(count)]


def require_sound(found, labels):
    """Every part has items, and for every fold that is held out, two items of each class are left to train on."""
    _, labels = np.unique(labels, return_inverse=True)
    assert len(found.test) and len(found.validation) and len(found.train)
    assert sorted(np.concatenate([found.test, found.validation, found.train])) == list(range(len(labels)))
    for k in range(found.n_folds):
        assert (found.fold == k).any()
        assert np.bincount(labels[(found.fold != TEST_FOLD) & (found.fold != k)]).min() >= 2
    for cluster in np.unique(found.cluster):
        assert len(np.unique(found.fold[found.cluster == cluster])) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_fifth_is_tested_and_every_part_has_the_classes_in_proportion(toy_dataset, seed):
    labels = named(cat=200, dog=100)
    found = split(toy_dataset(labels), seed=seed)
    require_sound(found, labels)
    assert (len(found.test), len(found.development), found.n_folds) == (60, 240, 5)
    is_dog = np.array(labels) == "dog"
    for part in (found.test, found.validation, found.train):
        assert is_dog[part].mean() == pytest.approx(1 / 3, abs=0.02)
    names = found.part_names()
    assert (names[found.test] == "test").all()
    assert (names[found.validation] == "validation").all()
    assert (names[found.train] == "train").all()


def test_many_items_are_cross_validated_in_three_folds(toy_dataset):
    assert split(toy_dataset(named(cat=4000, dog=4000)), seed=0).n_folds == 3


def test_the_same_seed_gives_the_same_split_and_another_seed_another(toy_dataset):
    dataset = toy_dataset(named(cat=40, dog=40))
    first, second, other = (split(dataset, seed=seed).fold for seed in (3, 3, 4))
    assert (first == second).all()
    assert (first != other).any()


@pytest.mark.parametrize("column", ["sha256", "group"])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_belongs_together_is_never_on_two_sides(toy_dataset, column, seed):
    labels = named(cat=60, dog=60)
    keys = [f"{i % 40}" for i in range(120)]  # three of each, some across the classes
    found = split(toy_dataset(labels, **{column: keys}), seed=seed)
    require_sound(found, labels)
    for key in set(keys):
        assert len({found.fold[i] for i in range(120) if keys[i] == key}) == 1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("others", [4, 5, 9, 300])
def test_a_class_of_four_images_can_be_learned_from(toy_dataset, seed, others):
    labels = named(rare=4, common=others, other=others)
    require_sound(split(toy_dataset(labels), seed=seed), labels)


@pytest.mark.parametrize("seed", range(6))
def test_a_class_of_four_images_survives_copies_in_other_classes(toy_dataset, seed):
    labels = named(rare=4, common=100)
    pairs = [(i, i + 20, 0.9) for i in range(64, 84)]
    require_sound(split(toy_dataset(labels, pairs), seed=seed), labels)


@pytest.mark.parametrize("seed", SEEDS)
def test_fewer_groups_than_folds_give_fewer_folds(toy_dataset, seed):
    labels = named(cat=40, dog=40)
    groups = [f"patient {i % 4}" for i in range(80)]
    found = split(toy_dataset(labels, group=groups), seed=seed)
    require_sound(found, labels)
    assert found.n_folds <= 3


@pytest.mark.parametrize("seed", SEEDS)
def test_groups_of_very_different_size_leave_no_fold_empty(toy_dataset, seed):
    labels = named(cat=50, dog=50)
    groups = ["a", "b", "c"] * 20 + [f"{i}" for i in range(40)]
    require_sound(split(toy_dataset(labels, group=groups), seed=seed), labels)


def test_a_class_within_one_group_is_refused_by_name(toy_dataset):
    dataset = toy_dataset(named(cat=30, dog=12), group=[""] * 30 + ["patient 1"] * 12)
    with pytest.raises(DatasetError, match=r"class 'dog' cannot be divided.*its 12 images are in 1 cluster .*Add"):
        split(dataset, seed=0)


def test_a_class_of_copies_of_one_image_is_refused_by_name(toy_dataset):
    dataset = toy_dataset(named(cat=30, dog=4), [(30, 31, 0.9), (31, 32, 0.9), (32, 33, 0.9)])
    with pytest.raises(DatasetError, match=r"class 'dog' .* near-duplicates"):
        split(dataset, seed=0)


@pytest.mark.parametrize("n_groups", [1, 2])
def test_too_few_groups_altogether_are_refused(toy_dataset, n_groups):
    dataset = toy_dataset(named(cat=20, dog=20), group=[f"{i % n_groups}" for i in range(40)])
    with pytest.raises(DatasetError, match=rf"'cat' .* in {n_groups} clusters?"):
        split(dataset, seed=0)


def given(**n):
    """Which split each item came in: given(train=3, test=1)."""
    return named(**n)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_split_that_the_data_came_with_is_respected(toy_dataset, seed):
    parts = given(train=60, validation=20, test=20)
    labels = ["cat", "dog"] * 50
    found = split(toy_dataset(labels, given_split=parts), seed=seed)
    require_sound(found, labels)
    assert found.part_names().tolist() == parts


def test_without_a_given_test_split_one_is_taken_from_the_train_items(toy_dataset):
    parts = given(train=80, validation=20)
    found = split(toy_dataset(["cat", "dog"] * 50, given_split=parts), seed=0)
    assert found.validation.tolist() == list(range(80, 100))
    assert len(found.test) == 16
    assert found.n_folds == 5


def test_without_a_given_validation_split_the_train_items_are_cross_validated(toy_dataset):
    parts = given(train=80, test=20)
    found = split(toy_dataset(["cat", "dog"] * 50, given_split=parts), seed=0)
    assert found.test.tolist() == list(range(80, 100))
    assert (found.n_folds, len(found.validation)) == (5, 16)


@pytest.mark.parametrize("how", ["copy", "pair", "group"])
def test_train_items_with_a_copy_or_group_member_on_another_side_are_left_out(toy_dataset, how):
    labels, parts = ["cat", "dog"] * 50, given(train=60, validation=20, test=20)
    columns, pairs = {}, []
    if how == "pair":
        pairs = [(0, 80, 0.7), (1, 60, 0.7), (61, 81, 0.7), (2, 3, 0.9)]
    else:
        keys = [f"{i}" for i in range(100)]
        keys[80], keys[60], keys[81], keys[3] = keys[0], keys[1], keys[61], keys[2]
        columns = {"sha256" if how == "copy" else "group": keys}
    found = split(toy_dataset(labels, pairs, given_split=parts, **columns), seed=0)
    assert found.left_out.tolist() == [0, 1, 61]
    assert found.part_names()[[0, 2, 3, 60, 80]].tolist() == ["left out", "train", "train", "validation", "test"]
    assert 0 not in found.development


def test_a_given_split_that_leaves_too_little_to_train_on_is_refused_by_name(toy_dataset):
    labels = named(cat=20, dog=5)
    parts = [*given(train=15, test=5), *given(train=1, test=4)]
    with pytest.raises(DatasetError, match=r"class 'dog' has only 1 of its 5 images in the given train split"):
        split(toy_dataset(labels, given_split=parts), seed=0)


def test_a_class_without_an_image_in_the_given_train_split_is_refused_by_name(toy_dataset):
    labels = [*named(cat=20, dog=20), *["fox"] * 6]
    parts = [*given(train=15, validation=5) * 2, *["validation"] * 6]
    with pytest.raises(DatasetError, match=r"'fox' has no image in the given train split \(6 in validation\)"):
        split(toy_dataset(labels, given_split=parts), seed=0)


def test_a_train_split_that_is_a_copy_of_another_part_is_refused_as_that(toy_dataset):
    labels = named(cat=20, dog=20)
    parts = given(train=10, validation=10) * 2
    keys = [f"{label}{k % 10}" for label in ("cat", "dog") for k in range(20)]
    with pytest.raises(
        DatasetError, match=r"only 0 of its 20 images .* all 10 there are copies of images in validation"
    ):
        split(toy_dataset(labels, given_split=parts, sha256=keys), seed=0)


def clustered_split(n=2000, n_classes=2, cluster_items=4, seed=0):
    """A split of clusters of four, and labels."""
    rng = np.random.default_rng(seed)
    cluster = np.arange(n) // cluster_items
    fold = rng.integers(-1, 5, cluster.max() + 1)[cluster]
    return Split(fold, cluster), rng.integers(0, n_classes, cluster.max() + 1)[cluster]


def test_a_subsampled_split_has_about_as_many_items_as_asked_for_in_the_same_parts():
    found, labels = clustered_split()
    subsampled = subsample(found, labels, 500, seed=0)
    kept = subsampled.fold != LEFT_OUT_FOLD
    assert 400 < kept.sum() < 600
    assert np.array_equal(subsampled.fold[kept], found.fold[kept])
    assert np.array_equal(subsampled.cluster, found.cluster)


def test_clusters_are_kept_or_left_out_whole_by_subsampling():
    found, labels = clustered_split()
    kept = subsample(found, labels, 1000, seed=0).fold != LEFT_OUT_FOLD
    assert set(np.bincount(found.cluster[kept])) == {0, 4}


def test_a_few_of_each_class_stay_in_every_part_however_few_are_asked_for():
    found, labels = clustered_split(n_classes=5)
    subsampled = subsample(found, labels, 10, seed=0)
    for part in range(TEST_FOLD, found.n_folds):
        assert np.bincount(labels[subsampled.fold == part], minlength=5).min() >= MIN_KEPT_ITEMS
    assert (subsampled.fold != LEFT_OUT_FOLD).sum() < 200


def test_subsampling_is_deterministic_and_restores_nothing():
    found, labels = clustered_split()
    fold = np.where(found.cluster % 10 == 0, LEFT_OUT_FOLD, found.fold)
    before = Split(fold, found.cluster)
    first, second = (subsample(before, labels, 800, seed=3) for _ in range(2))
    assert np.array_equal(first.fold, second.fold)
    assert (first.fold[fold == LEFT_OUT_FOLD] == LEFT_OUT_FOLD).all()
    assert not np.array_equal(first.fold, subsample(before, labels, 800, seed=4).fold)


def test_the_items_that_are_read_first_are_kept():
    some = Split(fold=np.arange(600) % 6 - 1, cluster=np.arange(600))
    kept = subsample(some, np.zeros(600, int), 300, seed=5).fold != LEFT_OUT_FOLD
    order = reading_order(600, seed=5)
    assert order[kept].max() < 0.51
    assert kept.sum() == pytest.approx(300, abs=40)


def test_nothing_is_left_out_where_all_are_asked_for():
    found, labels = clustered_split()
    assert np.array_equal(subsample(found, labels, 2000, seed=0).fold, found.fold)


def test_likely_near_duplicates_count_as_different_where_a_class_could_not_be_divided_otherwise(toy_dataset):
    labels = [f"class {k:02d}" for k in range(20) for _ in range(4)]
    likely = [(40, 41, 0.7), (41, 42, 0.7), (60, 61, 0.7), (0, 4, 0.7)]
    found = split(toy_dataset(labels, pairs=likely), seed=0)
    assert found.apart == ("class 10",)
    assert len(set(found.cluster[40:44])) == 4


def test_every_class_that_cannot_be_divided_is_named(toy_dataset):
    labels = [f"class {k:02d}" for k in range(40) for _ in range(4)]
    certain = [(4 * k + i, 4 * k + i + 1, 0.95) for k in range(15) for i in range(3)]
    with pytest.raises(DatasetError) as caught:
        split(toy_dataset(labels, pairs=certain), seed=0)
    assert str(caught.value).startswith("15 classes ('class 00', 'class 01', ")
    assert "'class 09' and 5 more) cannot be divided" in str(caught.value)
    assert str(caught.value).endswith("leave them out with --min-per-class 4.")


def test_many_images_without_a_group_are_dealt_evenly_beside_whole_clusters():
    rng, n = np.random.default_rng(0), 4900
    labels = rng.choice(4, n, p=[0.5, 0.3, 0.15, 0.05])
    cluster = np.where(rng.random(n) < 0.1, rng.integers(0, 150, n) + n, np.arange(n))
    cluster = np.unique(cluster, return_inverse=True)[1]
    dataset, items = SimpleNamespace(labels=labels), np.arange(n)
    folds = fold_together(dataset, cluster, items, seed=3).fold
    assert all(len(np.unique(folds[cluster == one])) == 1 for one in np.unique(cluster))
    assert np.ptp(np.bincount(folds)) <= 0.02 * n / 5
    for label in range(4):
        share = np.bincount(folds[labels == label], minlength=5) / (labels == label).sum()
        assert share == pytest.approx(np.full(5, 0.2), abs=0.02)
    assert (folds != fold_together(dataset, cluster, items, seed=4).fold).any()


@pytest.mark.parametrize("n_alone", [0, 1, 3, 40, 240])
@pytest.mark.parametrize("n_folds", [5, 10])
def test_folds_keep_clusters_whole_however_many_items_are_in_none(toy_dataset, n_alone, n_folds):
    cluster = np.concatenate(
        [np.repeat(np.arange((240 - n_alone) // 4), 4), 100 + np.arange(240 - (240 - n_alone) // 4 * 4)]
    )
    labels = np.array(["cat", "dog", "cow"])[cluster % 3]
    found = fold_together(toy_dataset(list(labels)), cluster, np.arange(240), seed=0, n_folds=n_folds)
    assert found.n_folds == n_folds
    assert all(len(np.unique(found.fold[cluster == one])) == 1 for one in np.unique(cluster))
    assert np.bincount(found.fold).max() <= 1.5 * 240 / n_folds


def test_numbers_are_divided_so_that_each_part_has_its_share_of_small_and_large_ones(toy_dataset):
    numbers = np.random.default_rng(0).lognormal(size=300)
    group = [f"g{i // 3}" for i in range(300)]
    dataset = replace(toy_dataset([f"{x:.4f}" for x in numbers], group=group), kind="number")
    found = split(dataset, seed=0)
    assert all(len(set(found.fold[found.cluster == one])) == 1 for one in np.unique(found.cluster))
    middle = np.median(numbers)
    for part in (found.test, found.validation, found.train):
        assert (numbers[part] > middle).mean() == pytest.approx(0.5, abs=0.1)


def test_labels_are_divided_so_that_each_fold_has_every_labels_share_and_groups_stay_whole(toy_dataset):
    rng = np.random.default_rng(1)
    there = rng.random((400, 3)) < (0.5, 0.25, 0.1)
    texts = [label_text(np.array(["often", "rarely", "seldom"])[row]) for row in there]
    group = [f"g{i // 2}" for i in range(400)]
    dataset = replace(toy_dataset(texts, group=group), kind="labels")
    found = split(dataset, seed=0)
    assert all(len(set(found.fold[found.cluster == one])) == 1 for one in np.unique(found.cluster))
    assert len(found.test) == pytest.approx(80, abs=4)
    for fold in range(-1, found.n_folds):
        share = dataset.labels[found.fold == fold].mean(axis=0)
        assert share == pytest.approx(dataset.labels.mean(axis=0), abs=0.02)


def test_a_label_whose_items_are_all_of_one_group_is_named(toy_dataset):
    texts = ["a", "b", "a;b"] * 20 + ["c"] * 6
    group = [""] * 60 + ["one"] * 6
    dataset = replace(toy_dataset(texts, group=group), kind="labels")
    with pytest.raises(DatasetError, match=r"the label 'c' cannot be divided .* all its 6 images are in 1 cluster"):
        split(dataset, seed=0)
