import tempfile
from pathlib import Path

import autotl_letter_shares

from autotl.features.frozen_network import freeze, open_session
from autotl.features.text_network import open_tokens
from autotl.testing import check_plugin


def test_everything_it_offers_keeps_the_contract():
    check_plugin(autotl_letter_shares)


def test_a_text_becomes_the_shares_of_its_letters():
    [encoder] = autotl_letter_shares.register_encoders()
    with tempfile.TemporaryDirectory() as cache:
        network = freeze(encoder, (1, 512), cache=Path(cache))
        batch = open_tokens(network).encode(["Aà b?\n", ""], 512)
        shares, present = open_session(network.file).run(["letters-avg", "letters-max"], batch)
    found = dict(zip(autotl_letter_shares.LETTERS, shares[0].tolist(), strict=True))
    assert [round(found[letter] * 6) for letter in "_a b?c"] == [1, 2, 1, 1, 1, 0]
    assert present[0].sum() == 5
    assert not shares[1].any()
