"""What the tests of verify.py share."""

from __future__ import annotations

from pathlib import Path

import pytest
from verifying import only_numpy


@pytest.fixture(scope="module")
def numpy_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages that holds NumPy and no other."""
    return only_numpy(tmp_path_factory.mktemp("packages"))
