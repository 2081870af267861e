"""Conformance checks for checks of datasets."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from autotl.checks.run_checks import sound_findings
from autotl.interfaces import (
    Check,
    DefaultProbe,
    Finding,
    Severity,
)
from autotl.testing.support import doing, named, require

if TYPE_CHECKING:
    from autotl.data.dataset import Dataset


def check_check(check: Check) -> None:
    """Check that a check gives the same findings twice on a small folder with a duplicate and a broken file."""
    from autotl.data.scan import scan

    subject = named(check, "check")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        (_write_texts if check.modality == "text" else _write_images)(data)
        dataset = scan(data, cache=Path(folder) / "cache")
        seen = (dataset, _probe(dataset)) if check.uses_probe else (dataset,)
        with doing(f"{subject}: run({', '.join(type(part).__name__ for part in seen)})"):
            first, second = list(check.run(*seen)), list(check.run(*seen))
    for finding in first:
        require(
            isinstance(finding, Finding),
            f"{subject}: run yields {finding!r}; expected an autotl.interfaces.Finding",
        )
        require(finding.check == check.name, f"{subject}: a finding says it is from {finding.check!r}")
        require(
            finding.severity in get_args(Severity),
            f"{subject}: severity is {finding.severity!r}; expected one of {', '.join(get_args(Severity))}",
        )
        require(finding.message, f"{subject}: a finding without a message: {finding}")
        require(
            finding.advice or finding.severity == "info",
            f"{subject}: {finding.message!r} has no advice on what to do about it",
        )
    with doing(subject):
        sound_findings(check, first)
    require(first == second, f"{subject}: two runs on the same data gave different findings")


def _probe(dataset: Dataset) -> DefaultProbe:
    """Predictions that are right except for the first item."""
    labels = dataset.labels
    guessed = np.where(np.arange(len(labels)) == 0, 1 - labels, labels)
    probabilities = np.full((len(labels), len(dataset.classes)), 0.1)
    probabilities[np.arange(len(labels)), guessed] = 1.0
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return DefaultProbe(np.arange(len(labels)), labels, probabilities, backbone="conformance")


def _write_images(folder: Path) -> None:
    """Three classes of five small images, one of them twice, and a file that is not an image."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for label in ("circle", "square", "star"):
        (folder / label).mkdir()
        for number in range(5):
            pixels = rng.integers(0, 256, (32, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
    (folder / "star" / "again.png").write_bytes((folder / "circle" / "0.png").read_bytes())
    (folder / "star" / "broken.png").write_bytes(b"not an image")


def _write_texts(folder: Path) -> None:
    """Three classes of twelve texts that end alike, one of them empty and one twice, and a file that is not a text."""
    rng = np.random.default_rng(0)
    words = [
        "the",
        "a",
        "of",
        "we",
        "they",
        "see",
        "find",
        "house",
        "river",
        "paper",
        "morning",
        "evening",
        "new",
        "old",
    ]
    for label in ("letter", "note", "report"):
        (folder / label).mkdir()
        for number in range(12):
            text = " ".join(rng.choice(words, 20)) + f"\n\nwith kind regards from the {label} office\n"
            (folder / label / f"{number}.txt").write_text(text)
    (folder / "note" / "again.txt").write_bytes((folder / "letter" / "0.txt").read_bytes())
    (folder / "note" / "empty.txt").write_bytes(b"")
    (folder / "note" / "broken.txt").write_bytes(b"%PDF-1.7")
