"""The numbers of an autoencoder are read as they were written, and damaged ones are left out."""

from __future__ import annotations

import json
from pathlib import Path

from made_autoencoders import FOUND, write_made

from autotl.runs.autoencoders import NUMBERS_FILE, AutoencoderResult, autoencoder_folder, find_autoencoders


def test_what_is_written_is_read_again():
    assert AutoencoderResult.from_json(json.loads(json.dumps(FOUND.to_json(), allow_nan=False))) == FOUND


def test_a_run_without_any_has_none(tmp_path: Path):
    assert find_autoencoders(tmp_path) == ()


def test_damaged_ones_and_hidden_folders_are_left_out(tmp_path: Path):
    write_made(tmp_path)
    for name, text in (
        ("broken", "{"),
        ("other", '{"name": 3}'),
        ("list", "[]"),
        (".vae.01", json.dumps(FOUND.to_json())),
    ):
        autoencoder_folder(tmp_path, name).mkdir()
        (autoencoder_folder(tmp_path, name) / NUMBERS_FILE).write_text(text, encoding="utf-8")
    assert find_autoencoders(tmp_path) == (FOUND,)
