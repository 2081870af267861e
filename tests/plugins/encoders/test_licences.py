import pytest

from autotl_plugins.encoders._licences import described, forbids_commercial_use, spdx


@pytest.mark.parametrize(
    ("name", "expected"),
    [("apache-2.0", "Apache-2.0"), ("cc-by-nc-4.0", "CC-BY-NC-4.0"), ("apple-ascl", "apple-ascl"), ("unknown", ""),
     (None, "")],
)  # fmt: skip
def test_licences_are_named_by_spdx_where_there_is_an_identifier_and_not_at_all_where_they_are_unknown(name, expected):
    assert spdx(name) == expected


@pytest.mark.parametrize(
    "licence",
    ["CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "for academic use only", "non commercial use",
     "fair-noncommercial-research-license", "apple-amlr", "seer-license",
     "CC-BY-NC-4.0 (https://github.com/facebookresearch/SWAG/blob/main/LICENSE)"],
)  # fmt: skip
def test_licences_for_research_or_non_commercial_use_forbid_commercial_use(licence):
    assert forbids_commercial_use(licence)


@pytest.mark.parametrize(
    "licence", ["Apache-2.0", "MIT", "BSD-3-Clause", "CC-BY-4.0", "apple-ascl", "Academic Free License", ""]
)
def test_other_licences_do_not(licence):
    assert not forbids_commercial_use(licence)


def test_the_licence_of_own_weights_is_not_known_unless_what_they_were_made_of_forbids_commercial_use():
    assert described("MIT", own=False) == {"licence": "MIT", "commercial": True}
    assert described("MIT", own=True) == {"licence": "", "commercial": True}
    assert described("CC-BY-NC-4.0", own=True) == {"licence": "CC-BY-NC-4.0", "commercial": False}
