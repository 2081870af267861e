"""Devices, seeds and precision of Keras' backends. No other module names TensorFlow, JAX or PyTorch."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotl.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

_BACKENDS = ("tensorflow", "jax", "torch")
_DEFAULTS = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}
"""What our networks are written for; keras.json may say something else, for another project."""
_NO_MEMORY = (
    "ResourceExhaustedError", "RESOURCE_EXHAUSTED", "OutOfMemoryError", "MemoryError", "out of memory", "OOM when",
)  # fmt: skip
"""What TensorFlow, JAX, PyTorch, CUDA and Python say where memory is used up."""


@dataclass(frozen=True)
class Device:
    """The device Keras computes on. kind: "gpu" or "cpu"."""

    kind: str
    name: str

    @property
    def precision(self) -> str:
        """The Keras dtype policy to train with; half precision pays off only on a GPU."""
        return "mixed_float16" if self.kind == "gpu" else "float32"

    def __str__(self) -> str:
        return f"{self.name}, {self.precision}"


def prepare() -> None:
    """Choose an installed Keras backend and silence its start-up messages; call before the first import of Keras.

    Raises ConfigError if there is none, if KERAS_BACKEND names another, or if keras.json is damaged.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # several processes share a GPU
    installed = [name for name in _BACKENDS if importlib.util.find_spec(name)]
    wanted = os.environ.get("KERAS_BACKEND")
    if wanted and wanted not in installed:
        fault = "which is not installed" if wanted in _BACKENDS else "which cannot train networks"
        use = f"Unset it to use {installed[0]}" if installed else "Unset it, and install one of them"
        raise ConfigError(
            f"the environment variable KERAS_BACKEND is {wanted}, {fault}; expected one of {', '.join(_BACKENDS)}. "
            f"{use}{f', or install {wanted}' if wanted in _BACKENDS else ''}."
        )
    if not installed:
        raise ConfigError(
            "Keras has no backend: none of TensorFlow, JAX and PyTorch is installed. "
            "Install one, for example with: pip install 'autotl[cpu]'"
        )
    os.environ["KERAS_BACKEND"] = wanted or installed[0]
    if _says_otherwise(_config_file()):
        import keras

        keras.config.set_floatx(str(_DEFAULTS["floatx"]))
        keras.config.set_epsilon(_DEFAULTS["epsilon"])
        keras.config.set_image_data_format(_DEFAULTS["image_data_format"])


def _config_file() -> Path:
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "keras.json"


def _says_otherwise(file: Path) -> bool:
    """Whether keras.json sets something else than what our networks need; ConfigError if Keras would refuse it."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:  # Keras ignores it
        return False
    except OSError as error:
        if not file.exists():
            return False
        raise ConfigError(f"{file} cannot be read ({error.strerror}). Make it readable, or remove it.") from None
    choices = {"floatx": ("float16", "float32", "float64"), "image_data_format": ("channels_last", "channels_first")}
    sound = isinstance(found, dict) and isinstance(found.get("epsilon", 0.1), float)
    if not sound or any(found.get(name, allowed[0]) not in allowed for name, allowed in choices.items()):
        raise ConfigError(f"{file} is damaged: Keras cannot be started with it. Correct or remove it.")
    return any(found.get(name, default) != default for name, default in _DEFAULTS.items())


def load() -> None:
    """Import Keras and its backend, which takes seconds; safe to run in a thread beside other work.

    TensorFlow writes to file descriptor 2 while it is imported, and no setting prevents it. Where Python writes its
    own errors to another descriptor (see `autotl.cli.app.main`), descriptor 2 points to nowhere meanwhile.
    """
    with quietly() if _python_writes_elsewhere() else nullcontext():
        import keras_tuner

        keras_tuner.HyperParameters()
        device()


@contextmanager
def quietly() -> Iterator[None]:
    """Let descriptor 2 lead nowhere, as TensorFlow's import needs; in a process whose own errors go there, too."""
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _python_writes_elsewhere() -> bool:
    try:
        return sys.stderr.fileno() != 2
    except (OSError, ValueError, AttributeError):  # captured, as in tests and notebooks
        return False


@cache
def device() -> Device:
    """Return the GPU if Keras' backend sees one, otherwise the processor."""
    import keras

    gpu = {"tensorflow": _tensorflow_gpu, "jax": _jax_gpu, "torch": _torch_gpu}[keras.backend.backend()]()
    return Device("gpu", gpu) if gpu else Device("cpu", processor())


@contextmanager
def session(seed: int, *, precision: str = "") -> Iterator[None]:
    """Seed every generator, set the precision, and free the graphs of the previous trial.

    precision: a Keras dtype policy; empty for what is best on this device. Clearing a session resets the policy, which
    would turn off mixed precision from the second trial on.
    """
    import keras

    policy = keras.config.dtype_policy()
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    keras.config.set_dtype_policy(precision or device().precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def compiles_steps() -> bool:
    """What a model that is trained is compiled with as `jit_compile`.

    Without it JAX runs each operation of a step by itself. TensorFlow makes a graph of the step in any case, and takes
    longer with it, on a processor many times as long.
    """
    import keras

    return bool(keras.backend.backend() == "jax")


def with_gradient(terms: Callable[[Any], Any]) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return a function that computes the terms of a loss and the gradient of their sum.

    terms: from a tensor to a tensor (n_terms,), in operations of Keras. The function takes and returns float32 arrays;
    the gradient has the shape of what it is given.
    """
    import keras

    makers = {"tensorflow": _tensorflow_gradient, "jax": _jax_gradient, "torch": _torch_gradient}
    return makers[keras.backend.backend()](terms)


def _tensorflow_gradient(terms: Callable[[Any], Any]) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    import tensorflow as tf

    def both(point: Any) -> tuple[Any, Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(point)
            values = terms(point)
        return values, tape.gradient(values, point)

    compiled = tf.function(both)

    def compute(point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, gradient = compiled(tf.constant(point, tf.float32))
        return values.numpy(), gradient.numpy()

    return compute


def _jax_gradient(terms: Callable[[Any], Any]) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    import jax
    import numpy as np

    def total(point: Any) -> tuple[Any, Any]:
        values = terms(point)
        return values.sum(), values

    both = jax.jit(jax.grad(total, has_aux=True))

    def compute(point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gradient, values = both(np.asarray(point, np.float32))
        return np.asarray(values), np.asarray(gradient)

    return compute


def _torch_gradient(terms: Callable[[Any], Any]) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    import keras
    import torch

    def compute(point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        tensor = keras.ops.convert_to_tensor(point, "float32").detach().clone().requires_grad_()
        values = terms(tensor)
        (gradient,) = torch.autograd.grad(values.sum(), tensor)
        return values.detach().cpu().numpy(), gradient.cpu().numpy()

    return compute


def is_out_of_memory(reason: str) -> bool:
    """Whether the reason of a failure, with the name of what was raised, is that memory was used up."""
    return any(words in reason for words in _NO_MEMORY)


def _tensorflow_gpu() -> str | None:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")) if gpus else None


def _jax_gpu() -> str | None:
    import jax

    gpus = [d for d in jax.devices() if d.platform in ("gpu", "cuda", "rocm")]
    return str(gpus[0].device_kind) if gpus else None


def _torch_gpu() -> str | None:
    import torch

    return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else None


def processor() -> str:
    """Return the processor's name and its number of cores."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model} ({os.cpu_count()} cores)"
