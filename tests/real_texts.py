"""Real texts for tests: Sphinx's messages in many languages, and the descriptions of scikit-learn's data sets."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import sphinx
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_linnerud, load_wine

_LINE = re.compile(r'(msgstr|msgid|msgid_plural|msgstr\[\d\])? ?(".*")\n?')


def messages(language: str) -> list[str]:
    """Sphinx's messages in a language, such as "de", without the shortest."""
    file = Path(sphinx.__file__).parent / "locale" / language / "LC_MESSAGES" / "sphinx.po"
    found: list[tuple[str, str]] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if matched := _LINE.fullmatch(line):
            if matched[1]:
                found.append((matched[1], ""))
            if found:
                found[-1] = (found[-1][0], found[-1][1] + ast.literal_eval(matched[2]))
    return [text for kind, text in found if kind == "msgstr" and len(text) > 20 and "Project-Id" not in text]


def paragraphs() -> list[str]:
    """Some two hundred paragraphs of English."""
    loaded = (load_breast_cancer, load_diabetes, load_digits, load_iris, load_linnerud, load_wine)
    return [part.strip() for load in loaded for part in load().DESCR.split("\n\n") if len(part) > 40]
