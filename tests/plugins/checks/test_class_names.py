"""Class names that mislead."""

from __future__ import annotations

import pytest

from autotl_plugins.checks import class_names as plugin


def found(photos, *names):
    return list(plugin.class_names(photos(list(names))))


@pytest.mark.parametrize(
    ("one", "two"),
    [("Cat", "cat"), ("red fox", "red_fox"), ("cafe\u0301", "caf\u00e9"), ("dog", " dog"), ("Strasse", "straße")],
)
def test_names_that_are_written_alike_are_a_warning(photos, one, two):
    [finding] = found(photos, one, two, "bird")
    assert finding.severity == "warning"
    assert "1 pair of class names differs only in case, spaces or special characters" in finding.message
    assert repr(one) in finding.message
    assert repr(two) in finding.message


def test_the_smaller_of_two_classes_is_proposed_to_go_into_the_larger_one(photos):
    [finding] = found(photos, "Cat", "cat", "cat", "bird")
    assert finding.fixes == (("merge", "Cat", "cat"),)


@pytest.mark.parametrize(
    ("one", "two"), [("apple", "apples"), ("cherries", "cherry"), ("boxes", "box"), ("Dog", "dogs")]
)
def test_singular_and_plural_are_a_warning(photos, one, two):
    [finding] = found(photos, one, two, "bird")
    assert (finding.severity, "singular and plural" in finding.message) == ("warning", True)


@pytest.mark.parametrize(
    ("one", "two"), [("giraffe", "girafe"), ("zebra fish", "zerba fish"), ("vehicle", "vehicel"), ("fennel", "fannel")]
)
def test_a_slip_of_one_letter_is_pointed_out_with_the_counts(photos, one, two):
    [finding] = found(photos, one, one, two, "bird")
    assert finding.severity == "info"
    assert f"{one!r} (2 images)" in finding.message
    assert "differs in one letter" in finding.message


@pytest.mark.parametrize(
    "names",
    [
        ("cat", "car", "bat"),
        ("site01", "site02", "site03"),
        ("grade a", "grade b"),
        ("glass", "grass"),
        ("0", "1", "2"),
        ("elephant", "elegance"),
        ("日本", "中国"),
        ("low", "high"),
        ("--", "__"),
    ],
)
def test_names_that_differ_on_purpose_are_left_alone(photos, names):
    assert found(photos, *names) == []


@pytest.mark.parametrize("names", [("1", "2", "10"), ("week 1", "week 2", "week 10")])
def test_numbers_that_are_sorted_as_text_are_told(photos, names):
    [finding] = found(photos, *names)
    assert finding.severity == "info"
    assert f"sorted as text: {names[0]}, {names[2]}, {names[1]}; not {', '.join(names)}" in finding.message


def test_the_steps_of_a_scale_are_told_to_have_no_order_for_the_model(photos):
    [finding] = found(photos, "Low", "medium", "HIGH")
    assert finding.severity == "info"
    assert "the steps of a scale (Low, medium, HIGH); the model ignores their order" in finding.message


def test_a_thousand_names_are_compared_in_no_time(photos):
    import time

    names = [f"species {chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)} name" for i in range(1000)]
    dataset = photos(names)
    started = time.perf_counter()
    list(plugin.class_names(dataset))
    assert time.perf_counter() - started < 5


def test_numbers_with_leading_zeros_are_pairs_and_decimals_and_signs_are_none(photos, findings):
    [finding] = [f for f in findings(plugin, photos(["1", "01", "01", "2", "3"])) if "leading zeros" in f.message]
    assert finding.proposals == (("merge", "1", "01"),)
    assert [f.message for f in findings(plugin, photos(["1.5", "15", "-1", "1"])) if "differ" in f.message] == []
