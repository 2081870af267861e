"""Write a table of real texts, to try AutoTL on: which library does a docstring come from?

    python examples/texts.py docstrings.csv

The texts are the descriptions of the public functions and classes of NumPy, pandas and scikit-learn, which AutoTL
needs itself, so nothing is downloaded. `--per-class N` stops after N texts of each library.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Iterator
from pathlib import Path

LIBRARIES = ("numpy", "pandas", "sklearn")
FEWEST_WORDS = 12


def descriptions(library: str) -> Iterator[str]:
    """The docstrings of what a library offers, without its sections of parameters, each once."""
    seen = set()
    package = importlib.import_module(library)
    names = [library, *(f"{library}.{found.name}" for found in pkgutil.iter_modules(package.__path__))]
    for name in sorted(name for name in names if "._" not in name and "test" not in name):
        try:
            module = importlib.import_module(name)
        except ImportError:  # an optional part, such as one for another system
            continue
        for attribute in sorted(vars(module)):
            thing = getattr(module, attribute)
            if attribute.startswith("_") or not (inspect.isclass(thing) or callable(thing)):
                continue
            text = (inspect.getdoc(thing) or "").partition("Parameters\n---")[0].strip()
            if len(text.split()) >= FEWEST_WORDS and text not in seen:
                seen.add(text)
                yield text


def main() -> None:
    """Write the table that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--per-class", type=int, default=200)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with options.out.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("text", "library"))
        for library in LIBRARIES:
            for _, text in zip(range(options.per_class), descriptions(library), strict=False):
                table.writerow((text, library))


if __name__ == "__main__":
    main()
