"""What the conformance checks share: requirements, errors that name their subject, and a study for samplers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import optuna


SLUG = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")


def require(condition: object, message: str) -> None:
    # Not `assert`: python -O would leave it out.
    if not condition:
        raise AssertionError(message)


def named(thing: Any, kind: str) -> str:
    name = thing.name
    require(
        isinstance(name, str) and SLUG.fullmatch(name),
        f"{kind} {name!r}: expected a name of lowercase letters, digits and single - _ or . between them",
    )
    return f"{kind} {name!r}"


@contextmanager
def doing(what: str, *expected: type[Exception]) -> Iterator[None]:
    """Say what was being done when something raised; AssertionError and what is expected pass unchanged."""
    try:
        yield
    except Exception as error:
        if isinstance(error, (AssertionError, *expected)):
            raise
        raise AssertionError(f"{what} raised {type(error).__name__}: {error}") from error


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
