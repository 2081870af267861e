"""What tests of reading data share."""

from __future__ import annotations

import pytest

from autotl.data.source import open_source


@pytest.fixture
def opened(tmp_path):
    """Open a source with a cache of its own: opened(folder, label="species")."""

    def opened(data, **options):
        return open_source(data, cache=tmp_path / "cache", **options)

    return opened
