"""Code that a model brings along, and what makes it known."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

from autotl.plugins import GROUP
from autotl.runtime.known_code import is_known, remember
from autotl_plugins.crops import _largest_object


def test_a_file_of_an_installed_plugin_is_known_wherever_a_copy_of_it_lies(tmp_path):
    copy = tmp_path / "crop.py"
    copy.write_bytes(Path(_largest_object.__file__).read_bytes())
    assert is_known(copy, GROUP)
    copy.write_bytes(copy.read_bytes() + b"\n")
    assert not is_known(copy, GROUP)


def test_a_file_that_a_loaded_plugin_offers_is_known(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(f"# {tmp_path}")
    assert not is_known(file, GROUP)
    remember(file)
    assert is_known(file, GROUP)


def test_a_package_that_breaks_when_it_is_imported_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").write_text("raise RuntimeError('no')")
    monkeypatch.syspath_prepend(str(tmp_path))
    broken = EntryPoint("broken", "broken.crops", GROUP)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [broken])
    file = tmp_path / "crop.py"
    file.write_text(f"# {tmp_path}")
    assert not is_known(file, GROUP)
