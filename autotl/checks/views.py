"""How checks see a dataset: its items, or their parts of one kind; findings about parts are told of the items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from autotl.data.dataset import Dataset
from autotl.data.modalities import modality_named
from autotl.interfaces import Finding


@dataclass(frozen=True)
class View:
    """A dataset as checks for one kind of item see it. whole: the dataset; seen: the same items, or parts of them."""

    whole: Dataset
    seen: Dataset

    def said(self, finding: Finding) -> Finding:
        """A finding in the words of the whole items; one about parts names all items that have such a part."""
        if self.seen is self.whole:
            said = self.whole.words
            return replace(finding, message=said(finding.message), advice=said(finding.advice))
        return replace(
            finding,
            message=self._named(finding.message),
            advice=self._named(finding.advice),
            items=tuple(dict.fromkeys(item for path in finding.items for item in self._items(path))),
            pairs=tuple((self._items(one)[0], self._items(two)[0]) for one, two in finding.pairs),
            fixes=tuple(next(self._decisions(words)) for words in finding.fixes),
            proposals=tuple(dict.fromkeys(one for words in finding.proposals for one in self._decisions(words))),
        )

    @cached_property
    def _owners(self) -> Mapping[str, list[str]]:
        """The paths of the items that each part belongs to, by the part's path."""
        owners: dict[str, list[str]] = {}
        for part, item in zip(self.seen.items["path"], self.whole.items["path"], strict=True):
            owners.setdefault(part, []).append(item)
        return owners

    def _items(self, path: str) -> list[str]:
        return self._owners.get(path) or [path]

    def _decisions(self, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """A decision about a part as the same one about each of its items; a merge is about classes."""
        decision, item, *label = words
        items = [item] if decision == "merge" else self._items(item)
        return ((decision, one, *label) for one in items)

    def _named(self, text: str) -> str:
        """A sentence that names items in place of their parts."""
        for path in sorted((path for path in self._owners if path in text), key=len, reverse=True):
            text = text.replace(path, self._owners[path][0])
        return text


def views_of(dataset: Dataset) -> dict[str, View]:
    """The dataset as checks for each kind of item see it; "" is for those of any kind."""
    kinds = {"": dataset.modality}
    kinds |= {kind: kind for kind in (dataset.modality, *modality_named(dataset.modality).parts)}
    return {name: View(dataset, dataset.part(kind)) for name, kind in kinds.items()}
