import pytest

from autotl.errors import ConfigError, WeightsError
from autotl.runtime.guarded_process import ChildEndedError
from autotl_plugins.encoders import _child_work
from autotl_plugins.encoders._child_work import ask_child


def test_what_the_child_raises_is_said_with_the_work_that_failed():
    with pytest.raises(ConfigError, match="converting net failed: KeyError: 'file'"):
        ask_child("_converter_child", {"kind": "tflite"}, what="converting net")


def test_a_child_that_takes_too_long_is_ended():
    with pytest.raises(ConfigError, match="converting net failed: it did not end in the time it was given"):
        ask_child("_converter_child", {"kind": "tflite", "file": "x"}, what="converting net", seconds=0.0)


@pytest.mark.parametrize(("kind", "expected"), [("WeightsError", WeightsError), ("ConfigError", ConfigError)])
def test_errors_of_ours_keep_their_kind_and_their_words(monkeypatch, kind, expected):
    monkeypatch.setattr(_child_work._Child, "receive", lambda self: ({"error": kind, "message": "get the file"}, []))
    with pytest.raises(expected, match=r"^get the file$"):
        ask_child("_converter_child", {}, what="converting net")


def test_a_crash_is_said(monkeypatch):
    def crash(self):
        raise ChildEndedError("crashed its process (SIGSEGV)", "")

    monkeypatch.setattr(_child_work._Child, "receive", crash)
    with pytest.raises(ConfigError, match=r"converting net failed: it crashed its process \(SIGSEGV\)"):
        ask_child("_converter_child", {}, what="converting net")
