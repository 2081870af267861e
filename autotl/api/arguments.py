"""Converts the arguments of the Python API to what the workflows take; errors name the argument."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from autotl.errors import ConfigError
from autotl.runs.config import Config
from autotl.runs.limits import DEFAULT_BUDGET_SECONDS
from autotl.runs.run import default_run_folder
from autotl.runtime.durations import parse_duration
from autotl.runtime.user_paths import expand_home, split_names, split_order, split_paths
from autotl.workflows.worker_count import read_workers


def configured(given: Mapping[str, Any]) -> Config:
    """The configuration that arguments of `autotl.fit` or `autotl.check` ask for; ConfigError names a wrong one.

    given: by name, as people give them: paths as text, several names as one text, a budget such as "30s".
    """
    wanted = {name: _READ[name](name, value) for name, value in given.items() if name not in ("budget", "run")}
    wanted.setdefault("budget_seconds", None)
    if given.get("budget") is not None:
        if wanted["budget_seconds"] is not None:
            raise ConfigError("budget and budget_seconds mean the same; give only one of them")
        wanted["budget_seconds"] = parse_duration(given["budget"], name="budget")
    if wanted["budget_seconds"] is None and wanted.get("trials") is None:
        wanted["budget_seconds"] = DEFAULT_BUDGET_SECONDS
    run = read_path("run", given["run"]) if given.get("run") is not None else None
    return Config(**wanted, run=run or default_run_folder(wanted["data"], time.localtime()))


def read_path(name: str, value: object) -> Path:
    """A path that may be text, and begin with a tilde."""
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise ConfigError(f"{name} is {value!r}; expected a path, as text or pathlib.Path")
    return expand_home(os.fsdecode(value))


def optional(read: Callable[[str, object], Any]) -> Callable[[str, object], Any]:
    """The same reader, for an argument that may be None."""
    return lambda name, value: None if value is None else read(name, value)


def read_names(name: str, value: object) -> tuple[str, ...]:
    """Names: one, several in one text with commas, or an iterable of them; None for none."""
    if value is None:
        return ()
    if isinstance(value, str):
        return split_names(value)
    names = tuple(value) if isinstance(value, Iterable) else (value,)
    if wrong := [one for one in names if not isinstance(one, str)]:
        raise ConfigError(f"{name} contains {wrong[0]!r}; expected a name or a list of names, such as ['logistic']")
    return names


def _read_backbones(name: str, value: object) -> tuple[str, ...]:
    """Names as in `read_names`, and paths, in whose text a comma does not count where the file is there."""
    if isinstance(value, str):
        return split_paths(value)
    several = value if isinstance(value, Iterable) else () if value is None else (value,)
    return read_names(name, [os.fsdecode(one) if isinstance(one, os.PathLike) else one for one in several])


def read_text(name: str, value: object) -> str:
    """Text; a path counts as text too."""
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise ConfigError(f"{name} is {value!r}; expected text")
    return os.fsdecode(value)


def read_whole(name: str, value: object) -> int:
    """A whole number, of Python or numpy."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ConfigError(f"{name} is {value!r}; expected a whole number")
    return int(value)


def read_number(name: str, value: object) -> float:
    """A number, of Python or numpy."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ConfigError(f"{name} is {value!r}; expected a number")
    return float(value)


def read_flag(name: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ConfigError(f"{name} is {value!r}; expected True or False")
    return value


def _read_columns(name: str, value: object) -> str:
    """A column, or several: their names, or one text of them with commas."""
    if isinstance(value, str | os.PathLike) or not isinstance(value, Iterable):
        return read_text(name, value)
    names = read_names(name, value)
    if len(names) > 1 and (odd := [one for one in names if "," in one]):
        raise ConfigError(
            f"{name} contains {odd[0]!r}; a column with a comma in its name can only be learned by itself"
        )
    return ",".join(names)


def _read_order(name: str, value: object) -> tuple[str, ...]:
    """Names of classes: an iterable of them, or one text as the option takes it; empty for None."""
    return split_order(value) if isinstance(value, str) else read_names(name, value)


def _read_seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Integral):
        raise ConfigError(f"{name} is {value!r}; expected seconds, or a duration such as '30s' or '10m'")
    return parse_duration(value if isinstance(value, str | float) else int(value), name=name)


def _read_share(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Integral):
        raise ConfigError(f"{name} is {value!r}; expected a share between 0 and 1, such as 0.1")
    return float(value)


_READ: Mapping[str, Callable[[str, object], Any]] = {
    "data": read_path,
    "budget_seconds": optional(_read_seconds),
    "trials": optional(read_whole),
    "objective": lambda name, value: "" if value is None else read_text(name, value),
    "strategy": read_text,
    "backbones": _read_backbones,
    "heads": read_names,
    "crops": read_names,
    "label": optional(_read_columns),
    "text": optional(read_text),
    "image": optional(read_text),
    "target": read_text,
    "order": _read_order,
    "classes": read_names,
    "groups": optional(read_text),
    "attributes": optional(read_path),
    "patch": optional(read_path),
    "joint": read_flag,
    "mirrored": read_flag,
    "min_per_class": optional(read_whole),
    "seed": read_whole,
    "workers": lambda name, value: read_workers(value) if isinstance(value, str) else read_whole(name, value),
    "executor": read_text,
    "sampler": read_text,
    "storage": optional(read_text),
    "share": optional(read_text),
    "tracking_uri": optional(read_text),
    "register": optional(read_text),
    "audit": read_names,
    "max_gap": optional(_read_share),
    "disable_plugins": read_names,
}
