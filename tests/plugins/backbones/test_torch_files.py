"""Files of PyTorch give their tensors, and one that was tampered with cannot do anything but be refused."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from torch_files import write_torch_file

from autotl.errors import WeightsError
from autotl_plugins.backbones import _torch_files, efficientnet_lite
from autotl_plugins.backbones._restricted_pickles import RestrictedUnpickler
from autotl_plugins.backbones._torch_files import read_torch_file

LITE0 = efficientnet_lite.weights(efficientnet_lite.VARIANTS[0], False)


def test_tensors_come_back_by_name_with_their_shapes_and_in_their_order_of_axes(tmp_path):
    kernel = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    tensors = {"a.weight": kernel, "b": np.float32([7.0]), "turned": kernel.transpose(2, 0, 1).copy()}
    found = read_torch_file(write_torch_file(tmp_path / "weights.pt", tensors))
    assert list(found) == list(tensors)
    assert all(np.array_equal(found[name], tensors[name]) for name in tensors)


@pytest.fixture
def file(tmp_path):
    """A copy of the real weights file, to be spoilt."""
    return Path(shutil.copy(LITE0, tmp_path / "weights.pth"))


class Payload:
    """Unpickled without care it would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (exec, (f"open({str(self.path)!r}, 'w').close()",))


@pytest.mark.parametrize("place", [0, 3, 4])
def test_a_file_that_was_tampered_with_is_refused_and_nothing_in_it_runs(file, tmp_path, place):
    victim = tmp_path / "owned"
    parts = pickles(file)
    parts[place] = pickle.dumps(Payload(victim), protocol=2)
    file.write_bytes(b"".join(parts))
    with pytest.raises(WeightsError, match=r"refers to builtins\.exec|refers to __builtin__\.exec"):
        read_torch_file(file)
    assert not victim.exists()


def pickles(file):
    """The five pickles at the start of the file, and the rest."""
    parts, start = [], 0
    with file.open("rb") as opened:
        for _ in range(5):
            RestrictedUnpickler(opened, _torch_files._KNOWN).load()
            parts.append(file.read_bytes()[start : opened.tell()])
            start = opened.tell()
    return [*parts, file.read_bytes()[start:]]


@pytest.mark.parametrize("module", ["os", "torch", "torch._utils", "collections", "numpy"])
def test_a_harmless_module_opens_no_door_to_its_other_names(file, module):
    parts = pickles(file)
    parts[3] = f"c{module}\nsystem\n(S'true'\ntR.".encode()
    file.write_bytes(b"".join(parts))
    with pytest.raises(WeightsError, match=rf"refers to {module}\.system, which no weights file needs"):
        read_torch_file(file)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:100],
        lambda data: data[: len(data) // 2],
        lambda data: b"PK\x03\x04" + data,
        lambda data: b"<html>404 Not Found</html>",
        lambda data: data[:20_000] + bytes(5_000) + data[25_000:],
    ],
    ids=["empty", "cut in the header", "cut in half", "a zip", "a web page", "zeros inside"],
)
def test_a_damaged_file_says_so_and_what_to_do(file, spoil):
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(WeightsError, match=r"weights\.pth is damaged .*; install its package again"):
        read_torch_file(file)


@pytest.mark.parametrize(
    ("offset", "size", "stride"), [(0, 1_000_000, 1), (0, 3, 100), (3, 4, 1), (-2, 4, 1), (0, 3, -1), (0, -4, 1)]
)
def test_a_tensor_that_reaches_beyond_its_numbers_is_refused(file, offset, size, stride):
    entries = (
        "(dS'w'\nctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'k'\nS'cpu'\nI4\nNtQ"
        f"I{offset}\n(I{size}\nt(I{stride}\nttRs."
    )
    numbers = (4).to_bytes(8, "little") + np.ones(4, "<f4").tobytes()
    file.write_bytes(b"".join([*pickles(file)[:3], entries.encode(), pickle.dumps(["k"]), numbers]))
    with pytest.raises(WeightsError, match=r"is damaged \(a tensor of shape"):
        read_torch_file(file)
