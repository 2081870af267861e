"""Style transfer in a real browser: drop two images, wait, and take the image away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import choose, free_port, serving, sound
from loose_plugins import tiny_backbone
from PIL import Image

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]
PATIENCE_MS = 240_000


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The app, with a small network to choose."""
    monkeypatch.setenv("AUTOTL_PLUGINS", str(Path(tiny_backbone.__file__).parent))
    with serving(tmp_path, free_port()) as found:
        yield found


def test_two_images_become_one_and_the_stages_are_compared(tab: Any, address: str, tmp_path: Path) -> None:
    rows, columns = np.mgrid[:96, :128]
    disc = (rows - 48) ** 2 + (columns - 64) ** 2 < 900
    Image.fromarray(np.where(disc[..., None], (200, 60, 60), (40, 60, 180)).astype(np.uint8)).save(
        tmp_path / "disc.png"
    )
    Image.fromarray((columns // 6 % 2 * 255).astype(np.uint8)).save(tmp_path / "stripes.png")
    tab.goto(f"{address}/style")
    tab.get_by_role("heading", name="Style", exact=True).wait_for()
    sent = tab.locator('[data-testid="stFileUploaderDropzoneInput"]')
    sent.first.set_input_files(tmp_path / "disc.png")
    tab.get_by_alt_text("Content: disc.png").wait_for()
    sent.last.set_input_files(tmp_path / "stripes.png")
    tab.get_by_alt_text("Style: stripes.png").wait_for()
    sound(tab)

    tab.get_by_text("More choices").click()
    choose(tab, "Network", "tiny")
    tab.get_by_role("slider", name="Longer side in pixels").press("Home")
    tab.get_by_test_id("stSliderThumbValue").get_by_text("128").wait_for()
    sound(tab)
    tab.get_by_role("button", name="Transfer the style").click()
    tab.get_by_text("compared with the content image, the style loss is").wait_for(timeout=PATIENCE_MS)
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download the image").click()
    with Image.open(download.value.path()) as image:
        assert image.size == (128, 96)
    assert tab.problems == []
    sound(tab)

    tab.get_by_role("button", name="Compare the stages").click()
    tab.get_by_text("the style of each stage alone").wait_for(timeout=PATIENCE_MS)
    tab.get_by_role("combobox", name="Stages that give the style").click()
    for stage in ("shallow", "middle", "deep"):
        tab.get_by_role("option", name=stage, exact=True).wait_for()
    sound(tab)
