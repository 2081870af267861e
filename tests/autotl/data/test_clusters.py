"""Which items must stay together."""

from __future__ import annotations

import numpy as np
from scanning import scan

from autotl.data.clusters import find_clusters


def named(**n):
    """Labels by count: named(cat=3, dog=1) is cat, cat, cat, dog."""
    return [label for label, count in n.items() for _ in range(count)]


def test_clusters_are_transitive(toy_dataset):
    # 0 and 1 are near-duplicates, 1 and 2 share a group, 2 and 3 their bytes; 4 is alone.
    dataset = toy_dataset(
        named(cat=5),
        pairs=[(0, 1, 0.6)],
        group=["", "g", "g", "", ""],
        sha256=["a", "b", "c", "c", "d"],
    )
    cluster = find_clusters(dataset)
    assert len(set(cluster[:4])) == 1
    assert cluster[4] != cluster[0]


def test_an_empty_group_is_not_a_group(toy_dataset):
    assert len(set(find_clusters(toy_dataset(named(cat=5), group=[""] * 5)))) == 5


def test_a_real_copy_at_another_size_stays_with_its_original(tmp_path, make_folder):
    from PIL import Image

    root = make_folder(tmp_path / "data", circle=6, square=6)
    original = sorted((root / "circle").iterdir())[0]
    copy = Image.open(original).resize((256, 256), Image.Resampling.LANCZOS)
    copy.save(root / "circle" / "zz copy.png")
    dataset = scan(root)
    cluster = find_clusters(dataset)
    place = dataset.items["path"].tolist().index
    name = original.relative_to(root).as_posix()
    assert cluster[place(name)] == cluster[place("circle/zz copy.png")]
    assert len(set(cluster)) == 12


def test_weak_pairs_do_not_chain_a_whole_dataset_together_but_certain_ones_do(toy_dataset):
    labels = named(cat=200, dog=200)
    for similarity, largest in ((0.6, 100), (0.9, 400)):
        chain = [(i, i + 1, similarity) for i in range(399)]
        cluster = find_clusters(toy_dataset(labels, chain))
        assert np.bincount(cluster).max() == largest


def test_the_most_similar_pairs_are_joined_before_the_chain_is_cut(toy_dataset):
    chain = [(i, i + 1, 0.5) for i in range(98)] + [(98, 99, 0.8)]
    cluster = find_clusters(toy_dataset(named(cat=60, dog=60), chain))
    assert cluster[98] == cluster[99]


def test_groups_decide_and_only_certain_copies_join_two_of_them(toy_dataset):
    pairs = [(1, 2, 0.8), (3, 4, 0.9), (5, 6, 0.8), (7, 1, 0.8), (7, 2, 0.7)]
    dataset = toy_dataset(named(cat=8), pairs, group=["a", "a", "b", "b", "c", "c", "d", ""])
    a, _, b, _, c, _, d, alone = find_clusters(dataset)
    assert a != b
    assert b == c
    assert c != d
    # An image without a group joins the one that it resembles most, and does not join that with another.
    assert alone == a


def test_a_class_of_named_groups_is_not_chained_together_by_what_looks_alike(toy_dataset):
    n = 524
    chain = [(i, i + 1, 0.7) for i in range(n - 1)]
    group = [f"unit{i * 6 // n}" for i in range(n)] + [f"other{i % 10}" for i in range(100)]
    cluster = find_clusters(toy_dataset(named(saurian=n, orc=100), chain, group=group))
    assert len(set(cluster[:n])) == 6
