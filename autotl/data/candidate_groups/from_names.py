"""Candidates from file names: a word such as `patient12`, what stands before a counter, and words that repeat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import pandas as pd

from autotl.data.candidate_groups.candidate import GroupCandidate, make_candidate

_OF = {
    "patient": "patient|pat|pt", "subject": "subject|subj|sub", "person": "person|pers|participant|proband|donor|user",
    "case": "case", "animal": "animal|mouse|rat|dog_id|cow|horse_id|specimen", "unit": "unit|part|device|item_id|piece",
    "slide": "slide|plate|well|section|wsi", "site": "site|location|plot|field|station|hospital|center|centre",
    "camera": "camera|cam|trap", "session": "session|ses|visit|exam|study", "batch": "batch|lot|roll|bobbin",
    "film": "film|video|vid|clip|movie|scene|shot|sequence|seq", "series": "series|scan|burst|group|grp|id",
}  # fmt: skip
"""What a group is called, and the words in paths that announce one."""
_SHORT = {"patient": "p", "subject": "s"}
"""Single letters count only where digits follow at once and nothing else tells."""
_COUNTER = r"[-_ .(\[#+]*\d+[)\]]*$"
_SEPARATORS = r"[-_+ .~#()\[\]]+"
_LEAST_MATCHED = 0.5
"""Share of the paths in which a word is found."""
_N_PROBED = 500
"""Where hardly any of so many paths holds a word, the others are not searched."""
_LEAST_COUNTED = 0.3
"""Share of the names that end in a counter, below which the words of names are taken for descriptions."""


def by_words_for_groups(items: pd.DataFrame) -> Iterator[GroupCandidate]:
    """Groups that a path announces by a word: `patient12`, `subject_p7`, `case-3`; the word gives the name."""
    for of, words in _OF.items():
        pattern = rf"(?:^|[^A-Za-z])((?:{words})[-_ .]?(?:[A-Za-z]{{0,2}}\d+|[A-Z]))(?![A-Za-z0-9])"
        yield from _matching(items, of, pattern)
    for of, letter in _SHORT.items():
        yield from _matching(items, of, rf"(?:^|[^A-Za-z0-9])({letter}[-_]?\d+)(?=$|[^A-Za-z0-9]|[a-z]\d)")


def _matching(items: pd.DataFrame, of: str, pattern: str) -> Iterator[GroupCandidate]:
    paths = items["path"].str.replace(r"\.[^./]+$", "", regex=True)
    looked = paths.iloc[:: max(1, len(paths) // _N_PROBED)]
    if looked.str.extract(pattern, flags=re.IGNORECASE, expand=False).notna().mean() < _LEAST_MATCHED / 2:
        return
    found = paths.str.extract(pattern, flags=re.IGNORECASE, expand=False).fillna("").str.lower()
    if (found != "").mean() >= _LEAST_MATCHED:
        yield make_candidate(items, of, found, how=f"the {of} that the file's path names", of=of)


def by_stems(items: pd.DataFrame) -> Iterator[GroupCandidate]:
    """What names begin with: up to their counter, up to the name of another file, and their first words."""
    stems = items["path"].str.rsplit("/", n=1).str[-1].str.rsplit(".", n=1).str[0]
    bare = stems.map(partial(re.sub, _COUNTER, ""))
    counted = (bare != stems).mean() >= _LEAST_COUNTED
    words = stems.map(lambda stem: [word for word in re.split(_SEPARATORS, stem) if word])
    known = set(stems)
    of = "unit"
    if counted:
        first = words.map(lambda found: found[0] if len(found) > 1 else re.sub(_COUNTER, "", "".join(found[:1])))
        yield make_candidate(items, "first-word", first, how="the first word of the file's name", of=of)
        two = words.map(lambda found: "-".join(found[:2]) if len(found) > 2 else "")
        yield make_candidate(items, "two-words", two, how="the first two words of the file's name", of=of)
    root = stems.map(lambda stem: _root(stem, known))
    yield make_candidate(
        items, "base-name", root, how="the name of another file that the file's name begins with", of=of
    )
    yield make_candidate(items, "stem", bare, how="the file's name without its counter", of="series")
    if counted:
        last = words.map(lambda found: found[-1] if len(found) > 1 and not found[-1].isdigit() else "")
        yield make_candidate(items, "last-word", last, how="the last word of the file's name", of="group")


def _root(stem: str, known: set[str]) -> str:
    """The shortest beginning of a name, in whole words, that is the name of a file; without its counter otherwise."""
    for cut in re.finditer(_SEPARATORS, stem):
        if stem[: cut.start()] in known:
            return stem[: cut.start()]
    return re.sub(_COUNTER, "", stem)
