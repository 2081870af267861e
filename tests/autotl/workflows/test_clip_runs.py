"""A study of clips from end to end: the leaderboard, what is said of motion, and a model that stands alone."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from moving_crops import frames_of, pan, shake, write_frames, write_gif, write_video, zoom_in, zoom_out
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images
from small_encoder import small_graph

from autotl.deploy.deployable import load_deployable, replay
from autotl.errors import ConfigError
from autotl.evidence.leaderboard import read_leaderboard
from autotl.evidence.run_evidence import read_evidence
from autotl.hookspecs import hookimpl
from autotl.interfaces import Encoder
from autotl.plugins import Plugins, load_plugins
from autotl.runs.config import Config
from autotl.runs.run import Run
from autotl.search.optuna_study import read_records
from autotl.settings import Settings
from autotl.workflows.evaluation import NewData, evaluate_model
from autotl.workflows.explaining import require_explainable
from autotl.workflows.fit import fit

N_CLIPS = 56


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    small = Encoder("small", small_graph, ((32, 32),), embedded=True)
    theirs = SimpleNamespace(__name__="theirs", register_encoders=hookimpl(lambda: [small]))
    return load_plugins(extra=[theirs], disable=("mlflow", "keras-applications", "efficientnet-lite"))


def digits(wanted: int) -> list[Image.Image]:
    """Images of handwritten digits, of the classes from 0 on in turn."""
    found = load_digits()
    order = np.concatenate([np.flatnonzero(found.target == digit)[:40] for digit in range(10)])
    kept = order.reshape(10, -1).T.ravel()[:wanted]
    return [Image.fromarray((found.images[item] * 15).astype(np.uint8)).resize((64, 64)) for item in kept]


def run_of(data: Path, folder: Path, plugins: Plugins, settings: Settings, **options: object) -> Run:
    config = Config(
        data, folder, trials=3, budget_seconds=None, strategy="probe", heads=("logistic",), **options
    )  # type: ignore[arg-type]  # fmt: skip
    return fit(config, plugins=plugins, settings=settings)


@pytest.fixture(scope="module")
def motion(tmp_path_factory: pytest.TempPathFactory, plugins: Plugins, settings: Settings) -> Run:
    """A run of digits that get nearer or go away: the frames of both classes are the same, only their order differs."""
    data = tmp_path_factory.mktemp("motion") / "data"
    for number, image in enumerate(digits(N_CLIPS)):
        moves = [zoom_in, zoom_out][number % 2]
        write_gif(data / moves.__name__ / f"{number}.gif", frames_of(image, moves, n=8, size=(48, 48)))
    (data / "zoom_in" / "broken.gif").write_bytes(b"GIF89a and no more")
    return run_of(data, data.parent / "run", plugins, settings, image="clips")


def said(run: Run) -> tuple[str, ...]:
    return next(panel.sentences for panel in read_evidence(run.folder).panels if panel.panel == "motion")


def test_the_order_of_frames_alone_is_learned_from_motion_and_not_from_the_frames(motion: Run) -> None:
    board = read_leaderboard(motion.folder).set_index("name")
    assert board.loc["logistic on small (untuned default)", "low"] < 0.5
    assert board.loc["logistic on small-motion", "value"].max() > 0.9
    assert motion.result().champion.backbone == "small-motion"
    assert "the classes may differ in motion only, and how the frames change does tell them apart" in said(motion)[0]


def test_a_vote_over_the_frames_stands_on_the_leaderboard_and_is_no_trial_of_the_search(motion: Run) -> None:
    board = read_leaderboard(motion.folder)
    [vote] = board[board["name"] == "vote over the frames (never deployed)"].to_dict("records")
    assert vote["strategy"] == "frame-vote"
    assert vote["low"] < 0.5 < vote["high"]
    probes = [one for one in read_records(motion) if one.strategy == "probe"]
    assert motion.result().n_trials == len(probes)


def test_a_damaged_clip_is_skipped_with_its_reason(motion: Run) -> None:
    [skipped] = motion.dataset.quarantined.to_dict("records")
    assert skipped["path"] == "zoom_in/broken.gif"
    assert "damaged" in skipped["quarantine"]


def test_the_report_and_the_card_speak_of_clips(motion: Run) -> None:
    report = (motion.folder / "report.html").read_text(encoding="utf-8")
    assert "Does the order of the frames count?" in report
    assert f"{N_CLIPS} clips" in report
    card = (motion.folder / "champion" / "model_card.md").read_text(encoding="utf-8")
    assert "Of a clip 8 frames are read, evenly spaced; sound is not read." in card


def test_the_deployable_answers_alone_as_it_was_trained(motion: Run, tmp_path: Path) -> None:
    deployable = load_deployable(motion.folder)
    assert replay(deployable) < 1e-4
    metadata = deployable.metadata
    assert (metadata["modality"], metadata["task"], metadata["frames"]) == ("clip", "video-classification", 8)
    clip = motion.dataset.path(0)
    frames = write_frames(tmp_path / "frames", frames_of(digits(2)[1], zoom_out, n=8, size=(48, 48)))
    command = [sys.executable, "-P", "-I", str(deployable.folder / "predictor.py"), str(clip), str(frames), "gone.mp4"]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, check=True)
    first, second, third = json.loads(done.stdout)
    assert first["label"] == motion.dataset.items["label"].iloc[0]
    assert second["label"] == "zoom_out"
    assert third["error"] == "there is no such file"
    assert b"import autotl" not in (deployable.folder / "predictor.py").read_bytes()


def test_a_model_of_clips_is_evaluated_on_new_ones(
    motion: Run, tmp_path: Path, plugins: Plugins, settings: Settings
) -> None:
    for number, image in enumerate(digits(N_CLIPS + 12)[N_CLIPS:]):
        moves = [zoom_in, zoom_out][number % 2]
        write_frames(tmp_path / "new" / moves.__name__ / str(number), frames_of(image, moves, n=9, size=(48, 48)))
    found = evaluate_model(motion.folder, NewData(tmp_path / "new"), plugins=plugins, settings=settings)
    assert found.evaluation.scores["accuracy"].value > 0.8


def test_to_explain_answers_about_clips_is_refused(motion: Run) -> None:
    with pytest.raises(ConfigError, match=r"about clips cannot be explained, .* give a model of images or texts"):
        require_explainable(motion.folder)


def test_to_fine_tune_on_clips_is_refused(motion: Run, tmp_path: Path, plugins: Plugins, settings: Settings) -> None:
    config = Config(motion.config.data, tmp_path / "run", image="clips", strategy="fine-tune")
    with pytest.raises(ConfigError, match="can be fine-tuned: encoders are frozen"):
        fit(config, plugins=plugins, settings=settings)


@pytest.mark.heavy
def test_three_motions_of_real_images_are_told_apart_from_folders_of_frames(
    tmp_path: Path, plugins: Plugins, settings: Settings
) -> None:
    for number, image in enumerate(digits(72)):
        moves = [pan, zoom_in, shake][number % 3]
        write_frames(tmp_path / "data" / moves.__name__ / str(number), frames_of(image, moves, n=16, size=(48, 48)))
    run = run_of(tmp_path / "data", tmp_path / "run", plugins, settings, image="frames")
    assert run.dataset.modality == "clip"
    assert run.result().test["accuracy"].low > 0.5


@pytest.mark.heavy
def test_what_videos_show_is_learned_whatever_moves_in_them(
    tmp_path: Path, plugins: Plugins, settings: Settings
) -> None:
    pytest.importorskip("av")
    for name, photo in zip(("china", "flower"), load_sample_images().images, strict=True):
        for number, (top, left) in enumerate(product(range(0, 360, 120), range(0, 600, 120))):
            scene = Image.fromarray(photo[top : top + 120, left : left + 120])
            frames = frames_of(scene, [pan, zoom_in, shake][number % 3], n=12, size=(64, 64))
            write_video(tmp_path / "data" / name / f"{number}.mp4", frames, quality=2)
    run = run_of(tmp_path / "data", tmp_path / "run", plugins, settings)
    assert run.result().default_test["accuracy"].value > 0.6
    assert not any("motion only" in text for text in said(run))
    requirements = (run.folder / "champion" / "requirements.txt").read_text().split()
    assert [one.partition("==")[0] for one in requirements] == ["onnxruntime", "pillow", "numpy", "av"]
