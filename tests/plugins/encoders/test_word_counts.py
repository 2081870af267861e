"""TF-IDF takes part in every search of texts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotl.interfaces import WordCounts
from autotl.testing import check_encoder
from autotl_plugins.encoders import word_counts

[TFIDF] = word_counts.register_encoders()


def test_it_keeps_the_contract_and_is_embedded():
    assert isinstance(TFIDF, WordCounts)
    assert (TFIDF.name, TFIDF.embedded, TFIDF.commercial, TFIDF.modality) == ("tfidf", True, True, "text")
    check_encoder(TFIDF)


@pytest.mark.parametrize("broken", [{"words": (2, 1)}, {"characters": (0, 3)}, {"most": 0}, {"sizes": ((1, 128),)}])
def test_settings_that_count_nothing_are_told(broken):
    with pytest.raises(AssertionError, match=next(iter(broken))):
        check_encoder(replace(TFIDF, **broken))
