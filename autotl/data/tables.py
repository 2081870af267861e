"""Tables as text: CSV, TSV, Parquet and JSON lines, and side tables with further columns about each image."""

from __future__ import annotations

import csv
import difflib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.data.column_words import IMAGE_COLUMNS, called
from autotl.data.csv_text import read_csv, require_narrow
from autotl.data.json_lines import NESTED, read_json_lines
from autotl.data.listing import JSON_LINES_SUFFIXES
from autotl.data.path_endings import PathEndings, found_by_name_only
from autotl.errors import DatasetError
from autotl.runtime.wording import listed

_PROBED_OBJECTS = 1000
_LONGEST_NAME = 60
# pyarrow raises TypeError or NotImplementedError for features of a file that it does not support.
_UNREADABLE = (OSError, ValueError, TypeError, NotImplementedError, csv.Error)


def read_table(path: Path, *, header: bool | None = None, rows: int | None = None) -> pd.DataFrame:
    """Read a CSV, TSV, Parquet or JSON lines file as text, empty if there is no value; stored bytes stay bytes.

    A CSV may be separated by commas, semicolons, tabs or vertical bars, in UTF-8, UTF-16 or else Windows-1252.
    header: see `csv_text.read_csv`. rows: the most to read. Raises DatasetError.
    """
    try:
        table = _read(path, header, rows)
    except (*_UNREADABLE, pd.errors.ParserWarning) as error:
        kind = "Parquet" if _is_parquet(path) else "JSON lines" if _is_json_lines(path) else "CSV"
        raise DatasetError(
            f"{path} cannot be read as a {kind} file: {_reason(error)}. Correct it, or save the table again as "
            f"{kind}{' in UTF-8' * (kind != 'Parquet')}."
        ) from None
    table.columns = pd.Index([str(name).strip() for name in table.columns])
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise DatasetError(f"{path} has the column {twice!r} more than once. Rename one of them.")
    return table


def _read(path: Path, header: bool | None, rows: int | None) -> pd.DataFrame:
    if _is_parquet(path):
        return _read_parquet(path, rows)
    return read_json_lines(path, rows=rows) if _is_json_lines(path) else read_csv(path, rows=rows, header=header)


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        found = error.object[error.start]
        return f"the byte {found:#04x} at position {error.start:,} is not a letter in any encoding that is known"
    return " ".join(str(error).split()).rstrip(".")


def read_side_table(path: Path, images: pd.Series, *, column: str | None = None) -> pd.DataFrame:
    """Read a table with the column `path`, at most one row per image of a dataset, and the given further column.

    A path of another machine, or seen from another folder, becomes that of the image with its longest ending.
    images: the paths of the dataset. Raises DatasetError.
    """
    table = read_table(path)
    if "path" not in table.columns and (named := called(IMAGE_COLUMNS, [n for n in table.columns if n != column])):
        table = table.rename(columns={named[0]: "path"})
    missing = [name for name in ("path", column) if name and name not in table.columns]
    meaning = "`path` is the image's path relative to the data folder."
    if missing:
        raise DatasetError(
            f"{path} has the columns {listed_columns(table.columns)}; the column {missing[0]!r} is missing. {meaning}"
        )
    table = table.assign(path=_as_in_dataset(table["path"].astype(str).str.strip(), images))
    if table["path"].duplicated().any():
        twice = table["path"][table["path"].duplicated()].iloc[0]
        raise DatasetError(f"{path} names {twice!r} more than once; keep one row per image.")
    if not table["path"].isin(images).any():
        first = f"has {table['path'].iloc[0]!r}" if len(table) else "has no rows"
        raise DatasetError(
            f"{path} names none of the images: it {first}, the dataset has paths such as {images.iloc[0]!r}. {meaning}"
        )
    return table[[name for name in table.columns if not holds_bytes(table[name])]]


def _as_in_dataset(paths: pd.Series, images: pd.Series) -> pd.Series:
    """The paths as the dataset has them, where each is the ending of one image only."""
    other = paths[~paths.isin(images)]
    if other.empty:
        return paths
    names = [unicodedata.normalize("NFC", image) for image in images]
    endings = PathEndings(names, list(images))
    found = {name: name for name in paths[paths.isin(images)]}
    for name in other.unique():
        several = endings.find(unicodedata.normalize("NFC", name.replace("\\", "/")))
        if len(several) == 1:
            found[name] = several[0]
    doubtful = found_by_name_only(found)
    return paths.map(lambda name: name if name in doubtful else found.get(name, name))


def column_names(path: Path) -> list[str]:
    """The columns of a table, by the first objects of JSON lines; none for a file that cannot be read as a table."""
    try:
        if _is_parquet(path):
            from pyarrow import parquet

            names = parquet.read_schema(path).names
        elif _is_json_lines(path):
            names = list(read_json_lines(path, rows=_PROBED_OBJECTS))
        else:
            names = read_csv(path, rows=0).columns
    except (*_UNREADABLE, pd.errors.ParserWarning):
        return []
    return [str(name).strip() for name in names]


def holds_bytes(column: pd.Series) -> bool:
    """Whether a column contains bytes, which only a Parquet file can store."""
    return column.dtype == object and any(isinstance(value, bytes) for value in column)


def require_column(frame: pd.DataFrame, name: str, path: Path, option: str) -> None:
    """Raise DatasetError if a table does not have the column that an option names, or cannot hold it."""
    nested = frame.attrs.get(NESTED, {})
    if name in nested:
        raise DatasetError(
            f"the column {name!r} of {path}, given with {option}, has objects within its cells (first in line "
            f"{nested[name]}); a plain value was expected. Write the value that you mean into a column of its own."
        )
    if name not in frame.columns:
        raise DatasetError(no_such_column(name, frame.columns, path, option))


def no_such_column(name: str, columns: Iterable[str], path: Path, option: str = "--label") -> str:
    """The message for a missing column that an option names, with the columns that exist."""
    names = list(columns)
    close = difflib.get_close_matches(name, names, n=3) or [one for one in names if one.lower() == name.lower()]
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else f" Give one of these with {option} NAME."
    return f"{path} has no column {name!r}; its columns are {listed_columns(names)}.{hint}"


def listed_columns(columns: Iterable[str]) -> str:
    """The names of columns in a message; what was read as a header may be a text."""
    return listed((name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..." for name in columns), most=20)


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _is_json_lines(path: Path) -> bool:
    return path.suffix.lower() in JSON_LINES_SUFFIXES


def _read_parquet(path: Path, rows: int | None) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import parquet

    with path.open("rb") as file:
        whole = parquet.ParquetFile(file)
        require_narrow(len(whole.schema_arrow))
        if rows is None:
            table = whole.read()
        else:
            table = pa.Table.from_batches(islice(whole.iter_batches(batch_size=rows), 1), whole.schema_arrow)
    if twice := [name for name, n in Counter(table.column_names).items() if n > 1]:
        raise ValueError(f"it has the column {twice[0]!r} more than once")
    frame = table.to_pandas(ignore_metadata=True)
    for name, classes in _class_names(table.schema.metadata or {}).items():
        if name in frame:
            frame[name] = frame[name].map(dict(enumerate(classes)))
    return pd.DataFrame({name: _cells(frame[name]) for name in frame if not name.startswith("__index_level_")})


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """The names of numbered labels in a file written by Hugging Face `datasets`."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {
            name: feature["names"]
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, AttributeError, ValueError):
        return {}


def _cells(column: pd.Series) -> pd.Series:
    """The column as text; images stay bytes, also inside a record of Hugging Face `datasets`."""
    if isinstance(column.dtype, pd.StringDtype):
        return column.fillna("")
    if any(isinstance(value, dict) and "bytes" in value for value in column):
        records = [value or {} for value in column]
        held = [record.get("bytes") or b"" for record in records]
        if any(held):
            return pd.Series(held, dtype=object)
        return pd.Series([record.get("path") or "" for record in records], dtype=str)
    if holds_bytes(column):
        return column.astype(object).where(column.notna(), b"")
    if any(isinstance(value, np.ndarray | list) for value in column):
        return pd.Series([_list_text(value) for value in column], dtype=str)
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all() and column.abs().max() < 2**53:
        column = column.astype("Int64")
    return column.astype(object).where(column.notna(), "").astype(str)


def _list_text(value: object) -> str:
    """A list as JSON writes it, as `read_json_lines` has it; empty if there is no value."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list) else ""
