"""Whether an order of classes that was given fits the classes of the data."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from autotl.errors import DatasetError
from autotl.runtime.user_paths import as_option
from autotl.runtime.wording import counted, listed


def require_order(order: Sequence[str], counts: Mapping[str, int], *, others: Iterable[str] = (), where: str) -> None:
    """Raise DatasetError unless an order names all classes, and nothing else.

    counts: the number of items of each class that is learned. others: classes that the order may name as well, such as
    those that are left out. where: the data, for messages.
    """
    known = sorted({*counts, *others})
    meant = {name: near for name in order if name not in known and (near := _nearest(name, known))}
    problems = []
    if unknown := [name for name in order if name not in known]:
        hint = f" (did you mean {meant[unknown[0]]!r}?)" if unknown[0] in meant else ""
        problems.append(f"names {listed(map(repr, unknown))}, which {where} does not have{hint}")
    if missing := [f"{name!r} ({counted(n, 'item')})" for name, n in counts.items() if name not in order]:
        problems.append(f"lacks {listed(missing)}" + f" of {where}" * (not unknown))
    if problems:
        corrected = tuple(dict.fromkeys(meant.get(name, name) for name in order))
        whole = set(counts) <= set(corrected) <= set(known)
        names = f"such as --order {as_option(corrected)}" if whole else f"which are {listed(sorted(counts), most=20)}"
        raise DatasetError(
            f"the order {as_option(order)} {', and '.join(problems)}. Name each of its classes once, from low to high, "
            f"{names}."
        )


def _nearest(name: str, known: Sequence[str]) -> str:
    """The known name that a name was probably meant to be; empty if none is like it."""
    plain = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold(), plain, n=1)
    return plain[near[0]] if near else ""
