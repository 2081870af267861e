"""Pickled arrays are read without unpickling anything else."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from autotl.errors import WeightsError
from autotl_plugins.backbones._numpy_pickles import read_numpy_pickle


@pytest.fixture
def file(tmp_path):
    return tmp_path / "weights.pkl"


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_come_back_as_they_were(file, protocol, dtype):
    kernel = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(dtype)
    arrays = {"conv": [kernel, np.arange(5, dtype=dtype)], "turned": [np.asfortranarray(kernel)]}
    file.write_bytes(pickle.dumps(arrays, protocol=protocol))
    found = read_numpy_pickle(file)
    assert list(found) == list(arrays)
    for name, expected in arrays.items():
        assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(found[name], expected, strict=True))


def test_files_from_before_numpy_2_are_read(file):
    content = pickle.dumps({"conv": [np.ones(3, np.float32)]}, protocol=3)
    assert content.count(b"cnumpy._core.multiarray\n") == 1
    file.write_bytes(content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))
    assert read_numpy_pickle(file)["conv"][0].tolist() == [1, 1, 1]


class Payload:
    """Unpickled without care it would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (exec, (f"open({str(self.path)!r}, 'w').close()",))


def test_a_file_that_was_tampered_with_is_refused_and_nothing_in_it_runs(file, tmp_path):
    victim = tmp_path / "owned"
    file.write_bytes(pickle.dumps({"conv": [np.ones(3, np.float32), Payload(victim)]}, protocol=3))
    with pytest.raises(WeightsError, match=r"weights\.pkl is damaged \(it refers to builtins\.exec"):
        read_numpy_pickle(file)
    assert not victim.exists()


@pytest.mark.parametrize("name", ["numpy.load", "numpy.fromfile", "numpy.core.multiarray.fromfile", "builtins.getattr"])
def test_the_modules_of_known_names_open_no_door_to_their_others(file, name):
    module, _, function = name.rpartition(".")
    file.write_bytes(f"c{module}\n{function}\n(S'/etc/hostname'\ntR.".encode())
    with pytest.raises(WeightsError, match=f"it refers to {name}, which no weights file needs"):
        read_numpy_pickle(file)


def array(state, kind="f4", order="<"):
    """A pickle of one array that says of itself what it is told to."""
    return (
        b"\x80\x03}X\x01\x00\x00\x00a]cnumpy.core.multiarray\n_reconstruct\n)R"
        + state(f"cnumpy\ndtype\n(S'{kind}'\ntR(I3\nS'{order}'\nNNNI-1\nI-1\nI0\ntb".encode())
        + b"bas."
    )


def state(shape=b"(I2\nt", numbers=b"C\x08" + bytes(8)):
    return lambda dtype: b"(I1\n" + shape + dtype + b"I00\n" + numbers + b"t"


def test_the_arrays_of_the_next_test_can_be_read_where_nothing_is_wrong_with_them(file):
    file.write_bytes(array(state()))
    assert read_numpy_pickle(file)["a"][0].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (array(state(shape=b"(I1000000000\nt")), "does not fit its numbers"),
        (array(state(shape=b"(I-1\nI-2\nt")), "can only specify one unknown dimension|negative"),
        (array(state(shape=b"S'ab'\n")), ""),
        (array(state(numbers=b"]")), "does not fit its numbers"),
        (array(state(numbers=b"N")), "does not fit its numbers"),
        (array(state(), kind="O8", order="|"), "not floats"),
        (array(state(), order=">"), "not floats"),
        (array(lambda dtype: b"N"), ""),
        (array(lambda dtype: b"(t"), ""),
        (b"cnumpy\nndarray\n(I1000000000\ntR.", "not callable"),
        (pickle.dumps({"conv": 3}), ""),
        (pickle.dumps([1, 2]), ""),
        (b"\x80\x04\x8e" + (2**60).to_bytes(8, "little"), ""),
        (b"", ""),
        (b"<html>404 Not Found</html>", ""),
    ],
)
def test_a_damaged_file_says_so_and_what_to_do(file, content, reason):
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=rf"weights\.pkl is damaged \(.*({reason}).*\); install its package again"):
        read_numpy_pickle(file)
