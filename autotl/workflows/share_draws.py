"""Finds the sample that was drawn from a set of images, also if images were added or removed since."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from autotl.errors import RunError
from autotl.runs.validation import SAMPLE_FILE, DrawnSample, read_sample, write_sample
from autotl.runtime.atomic_files import write_atomically
from autotl.workflows.share_population import Population

FOLDER, CONTENTS_FILE = "shares", "contents.json"
"""In the run folder: a folder for each set of images, with its draws, and the contents of the images drawn from."""


@dataclass(frozen=True)
class StoredDraws:
    """The draws from a set of images, with what has changed since. An image is known by its name and its content.

    folder: where they are, or will be. sample: empty if there are none. covered: the images that could be drawn and
    are still in the set. replaced: images that now have the name of another one that could be drawn.
    """

    folder: Path
    sample: DrawnSample
    covered: frozenset[str]
    replaced: frozenset[str]
    n_added: int

    @property
    def removed(self) -> frozenset[str]:
        """Names of the images that could be drawn and are no longer in the set, or cannot be read."""
        return frozenset(self.sample.inclusion) - self.covered

    @property
    def n_kept(self) -> int:
        """Number of drawn images that are still in the set."""
        return sum(item in self.covered for item in self.sample.items)


def find_draws(run: Path, population: Population) -> StoredDraws:
    """The draws with the most images in common, at least half of the smaller set; RunError if a file is damaged."""
    best = StoredDraws(run / FOLDER / population.key, DrawnSample(), frozenset(), frozenset(), len(population.names))
    for path in sorted((run / FOLDER).glob(f"*/{SAMPLE_FILE}")):
        found = _compared(path.parent, population)
        smaller = min(len(found.sample.inclusion), len(population.names))
        if 2 * len(found.covered) >= smaller and _order(found) > _order(best):
            best = found
    return best


def write_draws(draws: StoredDraws, sample: DrawnSample, population: Population) -> None:
    """Save all draws so far, the last one from this population. Call this while the folder is locked."""
    draws.folder.mkdir(parents=True, exist_ok=True)
    contents = _contents(draws.folder) | {name: population.contents[name] for name in population.names}
    text = json.dumps({name: contents[name] for name in sample.inclusion if name in contents}, ensure_ascii=True)
    write_atomically(draws.folder / CONTENTS_FILE, text.encode())
    write_sample(draws.folder, sample)


def _compared(folder: Path, population: Population) -> StoredDraws:
    sample, contents, now = read_sample(folder), _contents(folder), population.contents
    common = [name for name in population.names if name in sample.inclusion]
    covered = frozenset(name for name in common if contents.get(name, now[name]) == now[name])
    return StoredDraws(folder, sample, covered, frozenset(common) - covered, len(population.names) - len(covered))


def _order(draws: StoredDraws) -> tuple[int, int]:
    return len(draws.covered), -len(draws.removed)


def _contents(folder: Path) -> dict[str, str]:
    path = folder / CONTENTS_FILE
    try:
        return {str(name): str(content) for name, content in json.loads(path.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise RunError(
            f"{path} cannot be read: {type(error).__name__}: {error}. Restore the file from a copy of the folder; "
            "without it, images cannot be told from others with the same names."
        ) from error
