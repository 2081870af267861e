"""Everything about people in one: by group too, in sentences, and in tables that can be drawn."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np

from autotl.evidence.agreement.coding_table import MISSING, CodingTable
from autotl.evidence.agreement.parts import parts
from autotl.evidence.agreement.people import Context, ask_groups, ask_people
from autotl.evidence.agreement.planning import plan
from autotl.evidence.agreement.sentences import sentences
from autotl.interfaces import Table

N = 120
TRUTH = np.arange(N) % 2


def context(answers: np.ndarray, given: np.ndarray, groups: dict[str, np.ndarray] | None = None) -> Context:
    return Context(answers, given, None, None, None, groups or {})


def table_of(codes: np.ndarray) -> CodingTable:
    coders = ("Ann", "Bo", "Cem")[: codes.shape[1]]
    return CodingTable(tuple(f"{n:03d}.png" for n in range(len(codes))), coders, ("cat", "dog"), codes)


def said_by_three(*, cem_errs_from: int = N) -> np.ndarray:
    codes = np.repeat(TRUTH[:, None], 3, axis=1)
    codes[cem_errs_from:, 2] = 1
    codes[::17, 0] = 1 - codes[::17, 0]
    return codes


def test_a_coder_who_errs_in_one_group_only_is_named_there() -> None:
    groups = {"skin": np.where(np.arange(N) < 96, "light", "dark")}
    table, about = table_of(said_by_three(cem_errs_from=96)), context(TRUTH, TRUTH, groups)
    people, by_group = ask_people(table, about), ask_groups(table, about)
    assert [(one.value, one.n_items) for one in by_group] == [("dark", 24), ("light", 96)]
    assert [[d.coder for d in one.people.deviating] for one in by_group if one.people] == [["Cem"], []]
    assert not people.deviating
    assert any(one.startswith("In skin = dark: Cem disagrees") for one in sentences(people, by_group))
    table_by_group = next(part for part in parts(people, by_group) if part.title == "By group")
    assert isinstance(table_by_group, Table)
    assert table_by_group.rows[0][-1] == "Cem"


def test_a_group_too_small_to_speak_of_is_said_so() -> None:
    groups = {"site": np.where(np.arange(N) < 9, "a", "b")}
    table, about = table_of(said_by_three()), context(TRUTH, TRUTH, groups)
    by_group = ask_groups(table, about)
    assert by_group[0].people is None
    assert ("site = a", 9, "too few images") in [row[:3] for row in parts(ask_people(table, about), by_group)[-1].rows]


def test_labels_of_the_data_that_all_contradict_are_listed() -> None:
    given = TRUTH.copy()
    given[[5, 11]] = 1 - given[[5, 11]]
    people = ask_people(table_of(said_by_three()), context(TRUTH, given))
    assert people.contradicted.tolist() == [5, 11]
    assert any("On 2 images all coders agree" in one and "005.png" in one for one in sentences(people))


def test_ties_stay_open_and_are_listed_with_who_said_what() -> None:
    codes = said_by_three()[:, :2]
    people = ask_people(table_of(codes), context(TRUTH, TRUTH))
    n_open = int((codes[:, 0] != codes[:, 1]).sum())
    assert any(f"{n_open} images have as many votes" in one for one in sentences(people))
    last = parts(people)[-1]
    assert last.title == "Images with tied votes"
    assert last.rows[0] == ("000.png", "Ann: dog, Bo: cat")
    assert people.n_compared == N - n_open


def test_everything_to_show_can_be_stored_and_names_what_it_shows() -> None:
    codes = said_by_three(cem_errs_from=60)
    people = ask_people(table_of(codes), context(TRUTH, TRUTH))
    shown = parts(people)
    json.dumps([asdict(part) for part in shown], allow_nan=False)
    titles = [part.title for part in shown]
    assert len(set(titles)) == len(titles)
    assert {"In short", "Is the model as good as a coder?", "Where Cem stands alone", "Pairs of coders"} <= set(titles)
    alone = next(part for part in shown if part.title == "Where Cem stands alone")
    assert alone.rows[0] == ("060.png", "dog", "cat")


def test_a_single_coder_is_compared_with_the_model_and_nothing_else_is_claimed() -> None:
    answers = np.where(np.arange(N) < 12, 1 - TRUTH, TRUTH)
    answers[-20:] = MISSING
    people = ask_people(table_of(TRUTH[:, None]), context(answers, TRUTH))
    [sentence] = sentences(people)
    assert sentence.startswith("The model agrees with Ann on 88 %")
    assert "(100 images)" in sentence


def test_as_good_as_coders_who_agree_on_nothing_is_no_praise() -> None:
    codes = np.stack([TRUTH, 1 - TRUTH], axis=1)
    about = sentences(ask_people(table_of(codes), context(TRUTH, TRUTH)))
    assert about[0].startswith("Is the model as good as a coder? Yes")
    assert about[0].endswith("says little for the model.")


def test_an_alpha_from_one_group_of_images_is_not_called_surely_reliable() -> None:
    about = replace(context(TRUTH, TRUTH), units=np.zeros(N))
    said = sentences(ask_people(table_of(np.stack([TRUTH] * 3, axis=1)), about))
    assert any("too few independent images" in one for one in said)


def test_the_plan_is_what_the_labels_will_tell() -> None:
    right = np.arange(100) >= 10
    found = plan(right, np.array([0.5, 0.5]))
    assert 0.05 < found.accuracy < 0.07
    assert 0.1 < found.alpha < 0.13
    assert found.for_as_good > 100
    assert f"about {found.for_as_good}" in found.sentence
    more = plan(np.repeat(right, 4), np.array([0.5, 0.5]))
    assert more.accuracy < 0.6 * found.accuracy
    assert more.sentence.endswith("as good as each of 3 such coders, they are enough.")
    clustered = plan(right, np.array([0.5, 0.5]), clusters=np.arange(100) // 10)
    assert clustered.accuracy > 1.5 * found.accuracy
