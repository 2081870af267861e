"""Style transfer from files to a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autotl.errors import AutoTLError, ConfigError
from autotl.interfaces import Backbone
from autotl.runs.events import Event, Progress
from autotl.runtime import keras_backend
from autotl.workflows.style import transfer_style
from autotl.workflows.style_grid import compare_stages
from autotl.workflows.style_request import StyleRequest


@pytest.fixture
def asked(tmp_path: Path) -> StyleRequest:
    """A red disc on blue, to be repainted in black and white stripes."""
    rows, columns = np.mgrid[:48, :64]
    disc = (rows - 24) ** 2 + (columns - 32) ** 2 < 200
    content = np.where(disc[..., None], (200, 60, 60), (40, 60, 180)).astype(np.uint8)
    style = np.repeat((columns // 4 % 2 * 255)[..., None], 3, axis=2).astype(np.uint8)
    Image.fromarray(content).save(tmp_path / "content.png")
    Image.fromarray(style[:, :40]).save(tmp_path / "style.png")
    return StyleRequest(
        tmp_path / "content.png", tmp_path / "style.png", tmp_path / "made" / "out.png", size=64, steps=30,
        backbone="tiny",
    )  # fmt: skip


def test_the_image_takes_on_the_style_and_keeps_the_content(asked: StyleRequest, plugins: Any) -> None:
    found = transfer_style(replace(asked, steps=80), plugins=plugins)
    assert found.style_reduction > 0.9
    assert found.content_correlation > 0.5
    assert (found.status, found.steps, found.size) == ("complete", 80, (48, 64))
    with Image.open(asked.out) as image:
        assert (image.format, image.size) == ("PNG", (64, 48))


def test_the_same_seed_gives_the_same_image_and_another_seed_another(asked: StyleRequest, plugins: Any) -> None:
    images = []
    for number, seed in enumerate((1, 1, 2)):
        out = asked.out.with_name(f"{number}.png")
        transfer_style(replace(asked, out=out, seed=seed, steps=8), plugins=plugins)
        images.append(out.read_bytes())
    assert images[0] == images[1]
    assert images[0] != images[2]


def test_more_strength_gives_more_style_and_less_content(asked: StyleRequest, plugins: Any) -> None:
    weak, strong = (
        transfer_style(replace(asked, strength=strength, out=asked.out.with_name(f"{strength}.png")), plugins=plugins)
        for strength in (0.01, 10.0)
    )
    assert weak.style_loss > strong.style_loss
    assert weak.content_correlation > strong.content_correlation


def test_of_an_image_that_has_the_style_already_no_reduction_is_claimed(asked: StyleRequest, plugins: Any) -> None:
    found = transfer_style(replace(asked, style=asked.content, steps=3), plugins=plugins)
    assert found.style_reduction == 0
    assert found.content_correlation > 0.9


def test_every_step_is_told_with_the_time_that_is_left(asked: StyleRequest, plugins: Any) -> None:
    told: list[Event] = []
    transfer_style(replace(asked, steps=5), plugins=plugins, listeners=(told.append,))
    steps = [event for event in told if isinstance(event, Progress)]
    assert [(event.done, event.total) for event in steps] == [(n, 5) for n in range(1, 6)]
    assert all(event.eta_seconds is not None for event in steps[1:])
    assert steps[-1].is_complete


def test_an_interruption_leaves_the_best_image_so_far(asked: StyleRequest, plugins: Any) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Progress) and event.done == 4:
            raise KeyboardInterrupt

    found = transfer_style(asked, plugins=plugins, listeners=(interrupt,))
    assert (found.status, found.steps) == ("interrupted", 4)
    assert 0 < found.style_reduction < 1
    with Image.open(asked.out) as image:
        assert image.size == (64, 48)


def test_an_interruption_before_the_first_step_leaves_no_file(
    asked: StyleRequest, plugins: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_point: np.ndarray) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(keras_backend, "with_gradient", lambda _terms: interrupt)
    with pytest.raises(KeyboardInterrupt):
        transfer_style(asked, plugins=plugins)
    assert not asked.out.exists()


def test_the_image_is_saved_while_it_gets_better(
    asked: StyleRequest, plugins: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autotl.workflows.style_progress._SAVE_SECONDS", 0.0)
    seen = []

    def look(event: Event) -> None:
        if isinstance(event, Progress) and event.done in (2, 5):
            seen.append(asked.out.read_bytes())

    transfer_style(replace(asked, steps=5), plugins=plugins, listeners=(look,))
    assert len({*seen, asked.out.read_bytes()}) == 3


def test_an_error_in_mid_work_leaves_no_half_finished_file(
    asked: StyleRequest, plugins: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autotl.workflows.style_progress._SAVE_SECONDS", 0.0)

    def fail(event: Event) -> None:
        if isinstance(event, Progress) and event.done == 3:
            raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        transfer_style(asked, plugins=plugins, listeners=(fail,))
    assert not asked.out.exists()


def test_a_grid_has_an_image_for_each_stage(asked: StyleRequest, plugins: Any) -> None:
    found = compare_stages(replace(asked, steps=10), plugins=plugins)
    assert [look.stage for look in found.stages] == ["shallow", "middle", "deep"]
    assert [look.stride for look in found.stages] == [2, 4, 8]
    assert all(look.style_reduction > 0.2 for look in found.stages)
    with Image.open(asked.out) as sheet:
        assert sheet.width > 5 * 64
    assert found.to_json()["status"] == "complete"


def test_a_grid_that_is_interrupted_has_the_images_so_far(asked: StyleRequest, plugins: Any) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Progress) and event.done == 14:
            raise KeyboardInterrupt

    found = compare_stages(replace(asked, steps=10), plugins=plugins, listeners=(interrupt,))
    assert found.status == "interrupted"
    assert [(look.stage, look.steps) for look in found.stages] == [("shallow", 10), ("middle", 4)]
    assert asked.out.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"out": Path("out.gif")}, r"out.gif; expected a name that ends in .png, .jpg, .jpeg or .webp"),
        ({"size": 16}, "--size is 16; expected a number from 32 to 2048"),
        ({"size": 1_000_000}, "--size is 1000000; expected a number from 32 to 2048"),
        ({"steps": 0}, "--steps is 0; expected a number from 1 to 100000"),
        ({"strength": 0.0}, "--strength is 0.0; expected a number from 0.001 to 1000"),
        ({"strength": float("nan")}, "--strength is nan"),
        ({"seed": -1}, "--seed is -1; expected a number from 0"),
        ({"backbone": "tinny"}, "unknown backbone 'tinny'; did you mean 'tiny'"),
        ({"content": Path("gone.png")}, "the content image gone.png cannot be read: there is no such file"),
        ({"content_stage": "deepest"}, "tiny has no stage 'deepest'. Its stages are: shallow, middle, deep"),
    ],
)
def test_what_cannot_work_is_said_before_there_is_a_file(
    asked: StyleRequest, plugins: Any, change: dict[str, Any], message: str
) -> None:
    request = replace(asked, **change)
    with pytest.raises(AutoTLError, match=message):
        transfer_style(request, plugins=plugins)
    assert not request.out.exists()
    assert not asked.out.parent.exists()


def test_a_file_that_is_there_is_never_replaced(asked: StyleRequest, plugins: Any) -> None:
    asked.out.parent.mkdir()
    asked.out.write_text("mine")
    with pytest.raises(ConfigError, match=r"out.png already exists. Give another file with --out"):
        transfer_style(asked, plugins=plugins)
    assert asked.out.read_text() == "mine"


def test_an_encoder_has_no_gradient(asked: StyleRequest, plugins: Any) -> None:
    from autotl.interfaces import Encoder

    name = next(iter(plugins.all(Encoder)))
    with pytest.raises(ConfigError, match=r"is an encoder, an ONNX graph without gradients.*--backbone, such as tiny"):
        transfer_style(replace(asked, backbone=name), plugins=plugins)


def test_a_network_that_cannot_be_built_at_this_size_is_named(asked: StyleRequest, tiny: Backbone) -> None:
    from autotl.hookspecs import hookimpl
    from autotl.plugins import load_plugins

    def build(height: int, width: int) -> Any:
        raise ValueError(f"at least 75, got {height}")

    class Picky:
        @hookimpl
        def register_backbones(self) -> list[Backbone]:
            return [replace(tiny, name="picky", build=build)]

    with pytest.raises(AutoTLError, match=r"picky.*at least 75, got 48"):
        transfer_style(replace(asked, backbone="picky"), plugins=load_plugins(installed=False, extra=[Picky()]))


@pytest.mark.heavy
@pytest.mark.parametrize(("content", "style"), [("china.jpg", "flower.jpg"), ("flower.jpg", "china.jpg")])
def test_the_default_backbone_transfers_the_style_of_photos_and_keeps_their_content(
    content: str, style: str, tmp_path: Path
) -> None:
    from sklearn.datasets import load_sample_image

    from autotl.plugins import load_plugins

    for name in (content, style):
        Image.fromarray(load_sample_image(name)).save(tmp_path / f"{name}.png")
    request = StyleRequest(
        tmp_path / f"{content}.png", tmp_path / f"{style}.png", tmp_path / "out.png", size=128, steps=400
    )
    found = transfer_style(request, plugins=load_plugins(only="efficientnet-lite"))
    assert found.backbone == "efficientnet-lite0"
    assert found.style_reduction >= 0.9
    assert found.content_correlation > 0.5
