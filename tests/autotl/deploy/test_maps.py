"""A champion's own maps, and those made for models that have none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import onnx
import pytest
from finished_trials import run_candidate

from autotl.deploy import explainer as module
from autotl.deploy.champion import Champion, fit_champion
from autotl.deploy.deployable import load_deployable
from autotl.deploy.doubts import add_unsure
from autotl.deploy.explainer import Explainer
from autotl.deploy.map_facts import EXACT, GRADIENT, OCCLUSION, kept_facts, map_facts
from autotl.deploy.maps import with_map
from autotl.deploy.occlusion_maps import by_cell, covered, occlusion_map, windows
from autotl.deploy.predictor import Predictor
from autotl.features.frozen_network import open_session
from autotl.graphs.map_output import spread_matrix
from autotl.images.decoder import decode
from autotl.training import fine_tuning
from autotl.trial import Training
from autotl.workflows.conclusion import write_champion


@pytest.fixture
def champion(context: Any, candidate: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Champion]:
    """champion("rbf-svm", tuned=False): a refitted champion, with a map where it can have one."""
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 2)

    def champion(
        head: str = "logistic", stage: str = "joined", pooling: str = "avg+max", *, tuned: bool = False
    ) -> Champion:
        training = Training(1, 1e-3, 1e-4, augment=False) if tuned else None
        trial = run_candidate(context, candidate(head, stage, pooling, training=training), 0)
        return with_map(context.run, fit_champion(context, trial))

    return champion


@pytest.fixture
def pixels(context: Any) -> np.ndarray:
    run = context.run
    return np.stack([decode(run.dataset.path(int(i)), 32, 32) for i in run.split.test])


@pytest.fixture
def written(context: Any, tmp_path: Path) -> Callable[[Champion], Path]:
    def written(champion: Champion) -> Path:
        context.run.update(versions={})
        write_champion(context.run, champion, tmp_path / "model", facts={}, card="# Card")
        return tmp_path / "model"

    return written


@pytest.mark.parametrize(
    ("head", "stage", "pooling", "tuned"),
    [
        ("logistic", "joined", "avg+max", False),
        ("logistic", "top", "avg", False),
        ("linear-svm", "joined", "max", False),
        ("logistic", "top", "avg+max", True),
    ],
)
def test_the_sum_of_a_map_and_the_offset_is_the_difference_of_the_logits(champion, pixels, head, stage, pooling, tuned):
    graph = champion(head, stage, pooling, tuned=tuned).graph
    onnx.checker.check_model(graph)
    facts = map_facts(graph)
    assert facts["method"] == EXACT
    session = open_session(graph.SerializeToString())
    outputs = ["probabilities", "map", "map_classes"]
    probabilities, maps, classes = session.run(outputs, {"images": pixels, "explain": np.array(True)})
    assert maps.shape == (len(pixels), *facts["grid"])
    order = np.argsort(-probabilities, axis=1)
    rows, offset = np.arange(len(pixels)), np.array(facts["offset"])
    assert (classes[:, 0] == order[:, 0]).all()
    logs = np.log(probabilities.astype(np.float64))
    wanted = logs[rows, classes[:, 0]] - logs[rows, classes[:, 1]]
    sure = wanted < 12
    assert sure.any()
    found = maps.sum(axis=(1, 2)) + offset[classes[:, 0]] - offset[classes[:, 1]]
    assert found[sure] == pytest.approx(wanted[sure], abs=1e-4)


def test_a_map_costs_nothing_unless_it_is_asked_for(champion, pixels):
    session = open_session(champion().graph.SerializeToString())
    assert [entry.name for entry in session.get_inputs()] == ["images"]
    probabilities, maps, classes = session.run(["probabilities", "map", "map_classes"], {"images": pixels})
    assert len(probabilities) == len(pixels)
    assert len(maps) == len(classes) == 0


@pytest.mark.parametrize(("head", "method"), [("rbf-svm", GRADIENT), ("random-forest", GRADIENT), ("knn", GRADIENT)])
def test_a_head_that_is_not_linear_offers_no_map_and_says_so(champion, head, method):
    graph = champion(head).graph
    assert [output.name for output in graph.graph.output] == ["probabilities"]
    assert map_facts(graph) == {"method": method}
    assert set(kept_facts(graph)) == {"method", "average"}


def test_metadata_and_predictor_of_a_deployable_offer_the_map(champion, written, context, pixels):
    folder = written(champion())
    offered = load_deployable(folder).metadata["map"]
    assert offered["method"] == EXACT
    predictor = Predictor(folder)
    assert predictor.has_maps
    path = str(context.run.dataset.path(int(context.run.split.test[0])))
    good, bad = predictor.explain([path, b"no image"])
    answer = predictor.predict(path)[0]
    ranked = sorted(answer["probabilities"].values())
    assert good["label"] == answer["label"]
    assert good["difference"] == pytest.approx(np.log(ranked[-1] / ranked[-2]), abs=1e-3)
    assert bad["item"] == "item 1"
    assert "error" in bad


def test_doubts_are_not_computed_for_a_map(champion, written, pixels, monkeypatch):
    one = champion()
    predictor = Predictor(written(replace(one, graph=add_unsure(one.graph, 0.5, one.replay_probabilities.shape[1]))))
    assert predictor.doubts == ("unsure",)
    session = MagicMock(wraps=predictor._session)
    monkeypatch.setattr(predictor, "_session", session)
    assert len(predictor.maps(pixels[:2])[0]) == 2
    assert not session.run.call_args.args[1]["doubts"]


def test_a_kernel_is_explained_to_first_order_where_occlusion_confirms_it(champion, written, pixels, monkeypatch):
    explainer = Explainer(written(champion("rbf-svm")))
    assert not explainer.predictor.has_maps
    monkeypatch.setattr(Explainer, "confirmed", lambda *_: True)
    assert {one.method for one in explainer.explain(pixels[:2])} == {GRADIENT}
    monkeypatch.setattr(Explainer, "confirmed", lambda *_: False)
    assert {one.method for one in explainer.explain(pixels[:2])} == {OCCLUSION}
    with pytest.raises(ValueError, match="offers no maps"):
        explainer.predictor.explain([])


def test_the_gradient_of_a_kernel_predicts_what_a_small_step_changes(champion, written, pixels):
    folder = written(champion("rbf-svm", "top", "avg"))
    maker = module.GradientMaps(folder / "model.onnx")
    image = pixels[0]
    answer = Explainer(folder).explain(pixels[:1])[0]
    pair = (answer.label, answer.runner_up)
    [cut] = maker._frontier
    [value] = maker._network.run([cut], {"images": image[None]})
    slope = maker._slopes({cut: value}, pair)[cut][:, 0]
    step = 0.02 * np.sqrt(np.mean(value**2)) * slope / np.linalg.norm(slope)
    ends = [
        module.log_odds(maker._head.run(["probabilities"], {cut: (value + sign * step).astype(np.float32)})[0], pair)[0]
        for sign in (1, -1)
    ]
    assert ends[0] - ends[1] == pytest.approx(2 * slope @ step, rel=0.05)


@pytest.mark.parametrize("head", ["random-forest", "knn"])
def test_heads_without_a_slope_are_explained_by_occlusion(champion, written, pixels, head):
    found = Explainer(written(champion(head))).explain(pixels[:2], grid=4)
    assert [one.method for one in found] == [OCCLUSION] * 2
    assert found[0].map.shape == (4, 4)


def test_occlusion_finds_the_part_that_decides():
    def answer(pixels: np.ndarray) -> np.ndarray:
        bright = pixels[:, 24:32, 8:16].mean(axis=(1, 2, 3)) / 255
        return np.stack([1 - bright, bright], axis=1) * 0.9 + 0.05

    image = np.zeros((64, 64, 3), np.uint8)
    image[24:32, 8:16] = 255
    found = occlusion_map(answer, image, (1, 0))
    assert np.unravel_index(found.argmax(), found.shape) == (3, 1)
    assert found[6:, 4:] == pytest.approx(0)


def test_windows_cover_the_whole_image_and_cells_keep_the_sum():
    seen = np.zeros((30, 50))
    for rows, columns in windows(30, 50, 7):
        seen[rows, columns] += 1
    assert seen.min() >= 1
    found = np.random.default_rng(0).normal(size=(13, 9))
    assert by_cell(found, 4).sum() == pytest.approx(found.sum())
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    changed = (covered(image, np.array([5]), 4) != image).any(axis=2)
    assert changed[4:8, 4:8].any()
    assert not changed[8:].any()
    kept = (covered(image, np.array([5]), 4, keep=True) != image).any(axis=2)
    assert not kept[4:8, 4:8].any()


@pytest.mark.parametrize(("n", "wanted"), [(7, 112), (14, 14), (5, 13), (1, 8), (9, 10)])
def test_a_finer_map_keeps_the_sum(n, wanted):
    found = np.random.default_rng(0).normal(size=n)
    finer = spread_matrix(n, wanted) @ found
    assert finer.shape == (wanted,)
    assert finer.sum() == pytest.approx(found.sum())
