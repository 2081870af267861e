"""Changing the patch file: decisions are checked against the data before they are written."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from autotl.data.item_hashes import hash_items
from autotl.data.item_kinds import KINDS
from autotl.data.patch import Decision, merged_classes, patch_file, read_patch, with_known_names, write_patch
from autotl.data.source import Source, open_source
from autotl.errors import DatasetError

_PATIENCE_SECONDS = 60.0
N_NAMED = 3


class ChangedMeanwhileError(DatasetError):
    """Decisions that somebody else has made or undone since the images were looked at.

    now: by item, the decision that is in force, None if it was undone.
    """

    def __init__(self, now: Mapping[str, Decision | None]) -> None:
        self.now = dict(now)
        said = [f"{item} was {say_meanwhile(decision)}" for item, decision in list(self.now.items())[:N_NAMED]]
        more = f" and {len(self.now) - N_NAMED} more" if len(self.now) > N_NAMED else ""
        super().__init__(
            f"{', '.join(said)}{more}, by another person or in another window. Nothing was changed: look at what is "
            "there now, then decide again."
        )


def say_meanwhile(decision: Decision | None) -> str:
    """What somebody else decided, such as "labelled meanwhile as cat"."""
    if decision is None:
        return "set back meanwhile"
    return f"labelled meanwhile as {decision.label}" if decision.label else "excluded meanwhile"


def decide(
    data: Path,
    new: Iterable[Decision],
    *,
    undo: Iterable[str] = (),
    label: str | None = None,
    text: str | None = None,
    image: str | None = None,
    patch: Path | None = None,
    cache: Path,
    source: Source | None = None,
    seen: Mapping[str, Decision | None] | None = None,
) -> tuple[Decision, ...]:
    """Add decisions to the patch file of a dataset and undo others; returns all decisions in the file.

    Processes that change the same file at the same time wait for each other, so that no decision is lost.

    new: without their sha256, which is read here. undo: items, or merged classes, whose decision is removed.
    label, text, image: the columns of labels, texts and images, as for `fit`. source: the data, where the caller has
        opened it already.
    seen: by item, the decision that the person who decides had before their eyes; None to overwrite any.
    Raises ChangedMeanwhileError if another decision is in force than the one seen, and not the new one.
    Raises DatasetError if an item, or a class to merge, is not in the data, or if merges are circular; a class
        to relabel to or to merge into may be new.
    """
    file = patch or patch_file(data)
    new = list(new)
    if new:
        # All at once, because each call starts threads.
        source = source or open_source(data, label=label, text=text, image=image, cache=cache, need_labels=False)
        new = _checked(new, source, data)
    with locked(file, cache):
        decisions = list(read_patch(file))
        if seen is not None:
            _require_as_seen(decisions, new, undo := tuple(undo), seen)
        undone, known = set(undo), {decision.item for decision in decisions}
        for item in sorted(undone - known):
            raise DatasetError(f"{file} has no decision about {item!r}{_hint(item, sorted(known))}")
        decisions = [decision for decision in decisions if decision.item not in undone]
        decisions += new
        if new:
            merged_classes(decisions)
        write_patch(file, decisions)
        return read_patch(file)


def _require_as_seen(
    decisions: Iterable[Decision], new: Iterable[Decision], undo: Iterable[str], seen: Mapping[str, Decision | None]
) -> None:
    now = {decision.item: decision for decision in decisions}
    wanted: dict[str, Decision | None] = {**dict.fromkeys(undo), **{decision.item: decision for decision in new}}
    changed = {
        item: now.get(item)
        for item, decision in wanted.items()
        if item in seen and not same(now.get(item), seen[item]) and not same(now.get(item), decision)
    }
    if changed:
        raise ChangedMeanwhileError(changed)


def same(one: Decision | None, other: Decision | None) -> bool:
    """Whether two decisions about an item do the same, regardless of who made them."""
    return (one and (one.decision, one.label)) == (other and (other.decision, other.label))


@contextmanager
def locked(file: Path, cache: Path) -> Iterator[None]:
    """Let no other process change a patch file, or what is kept beside it.

    The lock file is in the cache, because nothing else is written beside the data.
    """
    import filelock

    name = hashlib.sha256(str(file.resolve()).encode(errors="surrogatepass")).hexdigest()[:16]
    try:
        (cache / "locks").mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(cache / "locks" / f"{name}.lock", timeout=_PATIENCE_SECONDS)
        lock.acquire()
    except filelock.Timeout:
        raise DatasetError(f"another process has been changing {file} for a minute. Try again in a moment.") from None
    except OSError as error:
        raise DatasetError(
            f"{cache} cannot be written ({error.strerror}). Change its permissions, or choose another cache folder "
            "(AUTOTL_CACHE)."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _checked(decisions: list[Decision], source: Source, data: Path) -> list[Decision]:
    """The decisions with the content of their items; raises DatasetError if an item or class does not exist."""
    paths, classes = set(source.table["path"]), set(source.table["label"]) - {""}
    decisions = [with_known_names(decision, paths, classes) for decision in decisions]
    for decision in decisions:
        known = classes if decision.decision == "merge" else paths
        if decision.item in known:
            continue
        if decision.decision == "merge":
            raise DatasetError(f"{data} has no class {decision.item!r}{_hint(decision.item, sorted(classes))}")
        kind = KINDS[source.modality]
        raise DatasetError(
            f"{data} has no {kind.name} {decision.item!r}{_hint(decision.item, list(source.table['path']))}; "
            f"{kind.plural} are named by their path in the data, such as " + repr(source.table["path"].iloc[0])
        )
    # Not for copies: once an excluded copy is deleted, the kept one would be mistaken for it under a new name.
    items = [d.item for d in decisions if d.decision != "merge" and d.item not in source.copies]
    contents = dict(zip(items, hash_items(source.root, items, source.modality)["sha256"], strict=True))
    return [replace(decision, sha256=str(contents.get(decision.item, ""))) for decision in decisions]


def _hint(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
