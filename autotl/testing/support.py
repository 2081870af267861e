"""What the conformance checks share: requirements, errors that name their subject, and a study for samplers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotl.errors import PluginError
from autotl.interfaces import Size
from autotl.plugins import NAME
from autotl.runtime.blame import describe, where_of_plugin
from autotl.targets import KINDS

if TYPE_CHECKING:
    import numpy as np
    import optuna


_OWN_FILES = tuple(map(str, Path(__file__).parent.glob("*.py")))


def require(condition: object, message: str) -> None:
    # Not `assert`: python -O would leave it out.
    if not condition:
        raise AssertionError(message)


def require_sizes(subject: str, sizes: Sequence[Size]) -> None:
    require(
        bool(sizes) and all(len(size) == 2 and min(size) > 0 for size in sizes),
        f"{subject}: sizes are {sizes}; expected at least one (height, width) in pixels",
    )


def require_targets(subject: str, targets: Sequence[str]) -> None:
    known = isinstance(targets, tuple) and bool(targets) and set(targets) <= set(KINDS)
    require(known, f"{subject}: targets are {targets!r}; expected a tuple of some of {', '.join(KINDS)}")


def named(thing: Any, kind: str) -> str:
    name = thing.name
    require(
        isinstance(name, str) and NAME.fullmatch(name),
        f"{kind} {name!r}: expected a name of lowercase letters, digits and single - _ or . between them",
    )
    brought = next(filter(None, (where_of_plugin(value) for value in vars(thing).values() if callable(value))), "")
    return f"{kind} {name!r}{brought}"


@contextmanager
def doing(what: str, *expected: type[Exception]) -> Iterator[None]:
    """Say what was being done when something raised; AssertionError and what is expected pass unchanged."""
    try:
        yield
    except PluginError as error:
        if isinstance(error, expected):
            raise
        raise AssertionError(f"{what}: {error}") from error
    except (Exception, SystemExit) as error:
        if isinstance(error, (AssertionError, *expected)):
            raise
        raise AssertionError(f"{what} raised {describe(error, _OWN_FILES)}") from error


def prepare_keras() -> None:
    from autotl.runtime.keras_backend import prepare

    prepare()


def new_study(sampler: optuna.samplers.BaseSampler) -> optuna.Study:
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(sampler=sampler)
    finally:
        optuna.logging.set_verbosity(before)


def require_sound_outputs(
    subject: str, names: Iterable[str], together: Sequence[np.ndarray], alone: Sequence[Sequence[np.ndarray]],
    *, item: str, different: str, hint: str = "", of: slice = slice(None),
) -> None:  # fmt: skip
    """Fail where an output is not finite, depends on the other items of a batch, or is the same for all.

    together: each output for all items, (n_items, ...). alone: the outputs for each item by itself, which may differ
    by 1e-4 of the largest number. item, different: what one is called, and those that have to differ: the items `of`.
    """
    import numpy as np

    for place, (name, found) in enumerate(zip(names, together, strict=True)):
        where = f"{subject}, output {name!r}"
        require(np.isfinite(found).all(), f"{where}: not finite{hint}")
        single = np.concatenate([answers[place] for answers in alone])
        difference = float(np.abs(found - single).max() / max(float(np.abs(found).max()), 1e-6))
        require(difference < 1e-4, f"{where}: {item} alone gives other numbers than among others")
        require(np.ptp(found[of], axis=0).any(), f"{where}: {different} give the same numbers")
