"""Reads texts as an exported model does, which carries a copy of this file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from autotl.texts.counting import WordCounter
from autotl.texts.decoding import decode_text
from autotl.texts.files import read_text_file
from autotl.texts.given_texts import GivenText, given_texts
from autotl.texts.reading import UnreadableText, read_text
from autotl.texts.tokens import Tokens

TOKENIZER_FILE, VOCABULARY_FILE = "tokenizer.json", "vocabulary.json"


class TextReader:
    """Reads texts as the model's graph takes them: as tokens in chunks, or as counts of a vocabulary.

    item: what one is called. columns: those of a table of items. unreadable: what `read` raises.
    """

    item = "text"
    columns = ("text",)
    unreadable = UnreadableText

    def __init__(self, folder: Path, metadata: Mapping[str, Any]) -> None:
        self._n_tokens: int = metadata["input"].get("n_tokens", 0)
        self._tokens: Tokens | None = None
        self._counter: WordCounter | None = None
        if metadata["input"]["kind"] == "tokens":
            self._tokens = Tokens((folder / TOKENIZER_FILE).read_text(encoding="utf-8"))
        else:
            self._counter = WordCounter.from_json((folder / VOCABULARY_FILE).read_text(encoding="utf-8"))

    @staticmethod
    def at(name: str, path: str, problem: str = "") -> GivenText:
        """The text of a file."""
        return GivenText(name, Path(path), problem)

    @staticmethod
    def path_of(given: GivenText) -> str:
        """The path that a text was given as; empty if it was given otherwise."""
        return str(given.text) if isinstance(given.text, Path) else ""

    @staticmethod
    def given(items: object) -> list[GivenText]:
        """One entry per item; see `given_texts`."""
        return given_texts(items)

    def read(self, given: GivenText) -> str:
        """The text, as training read it."""
        if isinstance(given.text, str):  # cleaned as the text of a file is
            return decode_text(given.text.encode("utf-8", "replace")).text
        if isinstance(given.text, bytes):
            return read_text(given.text, ".txt")
        path = given.text.expanduser() if str(given.text).startswith("~") else given.text
        try:
            if not path.exists():
                raise UnreadableText("there is no such file")
            return read_text_file(path)
        except (OSError, ValueError) as error:  # such as a name that is too long, or has a NUL
            raise (
                error if isinstance(error, UnreadableText) else UnreadableText(f"it cannot be read: {error}")
            ) from None

    @staticmethod
    def text_of(read: str) -> str:
        """The text of what was read."""
        return read

    @staticmethod
    def with_text(_read: str, text: str) -> str:
        """What was read, with another text."""
        return text

    def inputs(self, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
        """The inputs of the graph for some texts."""
        if self._tokens:
            return self._tokens.encode(texts, self._n_tokens)
        assert self._counter is not None
        return {"counts": self._counter.counts(texts)}

    def parts(self, texts: Sequence[str]) -> Iterator[dict[str, NDArray[Any]]]:
        """The inputs of the graph for some texts, as many at a time as need little memory, in order."""
        if self._tokens:
            yield from self._tokens.parts(texts, self._n_tokens)
        elif texts:
            yield self.inputs(texts)

    def from_table(self, table: Any) -> list[object]:
        """What `given` takes of each row of a table with these columns."""
        return list(table["text"])
