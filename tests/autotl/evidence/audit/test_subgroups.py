"""Groups by attributes and pairs of attributes."""

from __future__ import annotations

import numpy as np

from autotl.evidence.audit.subgroups import find_subgroups

AGE = np.array(["old"] * 30 + ["young"] * 30, dtype=object)
SEX = np.array(["f", "m"] * 30, dtype=object)


def test_groups_are_values_and_pairs_of_values():
    found = find_subgroups({"age": AGE, "sex": SEX})
    assert [group.name for group in found.large[:4]] == ["age=old", "age=young", "sex=f", "sex=m"]
    assert {group.name: group.n_items for group in found.large[4:]} == {
        "age=old, sex=f": 15, "age=old, sex=m": 15, "age=young, sex=f": 15, "age=young, sex=m": 15,
    }  # fmt: skip
    assert found.families == {("age",): [0, 1], ("sex",): [2, 3], ("age", "sex"): [4, 5, 6, 7]}


def test_of_small_groups_only_the_number_is_told():
    skin = np.array(["dark"] * 9 + ["light"] * 51, dtype=object)
    found = find_subgroups({"skin": skin})
    assert [group.name for group in found.large] == ["skin=light"]
    assert [(group.name, group.n_items) for group in found.small] == [("skin=dark", 9)]


def test_a_column_that_names_images_or_says_the_same_of_all_is_not_audited():
    serial = np.arange(60).astype(str).astype(object)
    found = find_subgroups({"serial": serial, "site": np.full(60, "here", dtype=object), "age": AGE})
    assert found.not_auditable == {"serial": 60, "site": 1}
    assert len(found.large) == 2


def test_an_image_of_which_a_value_is_not_known_is_in_no_group_of_it():
    age = AGE.copy()
    age[:10] = ""
    assert [group.n_items for group in find_subgroups({"age": age}).large] == [20, 30]


def test_a_pair_that_is_one_of_its_groups_again_is_left_out():
    found = find_subgroups({"age": AGE, "born": np.where(AGE == "old", "1940", "1990").astype(object)})
    assert [group.name for group in found.large] == ["age=old", "age=young", "born=1940", "born=1990"]
