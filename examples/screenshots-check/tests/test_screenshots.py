from types import SimpleNamespace

import autotl_screenshots
import pandas as pd

from autotl.testing import check_plugin


def test_everything_it_offers_keeps_the_contract():
    check_plugin(autotl_screenshots)


def test_it_finds_screenshots_by_their_names():
    dataset = SimpleNamespace(items=pd.DataFrame({"path": ["a/Screenshot 1.png", "a/1.png", "b/2.png"]}))
    [finding] = autotl_screenshots.screenshots(dataset)
    assert finding.items == ("a/Screenshot 1.png",)
