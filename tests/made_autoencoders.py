"""The results of an autoencoder, made up: what a training writes, without a training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autotl.autoencoding.sheets import sheet
from autotl.runs.autoencoders import RARE_FILE, SHEETS, AutoencoderResult, RareGroup, RareImage, autoencoder_folder
from autotl.scores import ScoreInterval
from autotl.workflows.autoencode_files import write_numbers

FOUND = AutoencoderResult(
    name="vae", plugin="vae", is_variational=True, edge=16, n_latents=8, seed=0, epochs=3, out_of_time=False,
    training_seconds=12.0, seconds=20.0, n_train=54, n_held_out=18, n_left_out=0,
    error=ScoreInterval(0.012, 0.010, 0.014), error_train=0.011, error_of_mean=0.08, backbone="tiny",
    nearness={
        "samples": ScoreInterval(0.3, 0.28, 0.32), "held-out images": ScoreInterval(0.2, 0.18, 0.22),
        "reconstructions": ScoreInterval(0.25, 0.22, 0.28), "the mean image": ScoreInterval(0.5),
        "noise": ScoreInterval(0.9, 0.88, 0.92),
    },
    n_samples=256, sampled_classes={"<b>cat</b>": 40, "dog": 30},
    rare=(RareImage("cat/<i>1.png", "<b>cat</b>", 3.5, 0.04), RareImage("dog/2.png", "dog", 3.1, 0.01)), n_rare=8,
    rare_groups=(RareGroup("skin", "dark", 20, 0.1, ScoreInterval(0.5, 0.3, 0.7)),),
    rare_errors=(ScoreInterval(0.2, 0.1, 0.35), ScoreInterval(0.05, 0.03, 0.08), ScoreInterval(0.15, 0.05, 0.3)),
    sentences=("the vae reconstructs <images>",),
)  # fmt: skip


def write_made(run: Path, found: AutoencoderResult = FOUND) -> None:
    """Write the result and its sheets into a run folder."""
    folder = autoencoder_folder(run, found.name)
    folder.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    for name in SHEETS:
        (folder / name).write_bytes(sheet([images]))
    (folder / RARE_FILE).write_text("path,label\n", encoding="utf-8")
    write_numbers(folder, found)
