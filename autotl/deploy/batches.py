"""Opens a graph, reads items ahead of it and prints answers; an exported model carries a copy of this file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

BATCH_SIZE = 32  # 224-pixel images: 5 MB of pixels, and no faster beyond it on a processor


def open_graph(file: Path) -> Any:
    """An ONNX Runtime session on the fastest device there is."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read at the import; it would report its use to its makers
    import onnxruntime

    # TF32 would round the products of a graphics card to 10 bits, and the replay would not match.
    wanted = {"CUDAExecutionProvider": {"use_tf32": "0"}, "CPUExecutionProvider": {}}
    available = onnxruntime.get_available_providers()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # otherwise it warns about optional inputs
    # Products in int8 would overflow on processors without instructions for them.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(
        str(file), options, providers=[(name, options) for name, options in wanted.items() if name in available]
    )


def say_of_each(
    given: Sequence[Any], read: Callable[[Any], Any], say: Callable[[list[Any]], Iterable[dict[str, Any]]],
    unreadable: type[Exception],
) -> list[dict[str, Any]]:  # fmt: skip
    """One dict per item, in order: its name as `item`, with what is said of it, or with `error`.

    read: raises `unreadable`, with the reason. say: gives one dict for each item that could be read.
    """

    def read_or_why_not(one: Any) -> Any:
        try:
            return unreadable(one.problem) if one.problem else read(one)
        except unreadable as error:
            return error

    results: list[dict[str, Any]] = []
    for batch in _read_ahead(given, read_or_why_not):
        said = iter(say([item for item in batch if not isinstance(item, Exception)]))
        for item in batch:
            name = given[len(results)].name
            found = {"error": str(item)} if isinstance(item, Exception) else next(said)
            results.append({"item": name, **found})
    return results


def _read_ahead(given: Sequence[Any], read: Callable[[Any], Any]) -> Iterator[list[Any]]:
    """Batches of what `read` makes of each item; the next is read while the caller works on this one."""
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        ahead = None
        for start in range(0, len(given), BATCH_SIZE):
            batch = pool.map(read, given[start : start + BATCH_SIZE])
            if ahead is not None:
                yield list(ahead)
            ahead = batch
        if ahead is not None:
            yield list(ahead)


def answers_of_table(predictor: Any, table: Any) -> list[Any]:
    """The answers to the items of a table; ValueError names a missing column, or bad rows."""
    reader = predictor.reader
    if missing := [name for name in reader.columns if name not in table.columns]:
        raise ValueError(
            f"the table has no column {missing[0]!r}; the model takes {' and '.join(map(repr, reader.columns))}, and "
            f"the columns are {', '.join(map(repr, table.columns))}"
        )
    results: list[Any] = predictor.predict(reader.from_table(table), doubts=False)
    bad = [f"row {n}: {row['error']}" for n, row in enumerate(results) if "error" in row]
    if bad:
        raise ValueError(f"{len(bad)} of {len(results)} {reader.item}s cannot be read. " + "; ".join(bad[:10]))
    return results


def print_answers(open_predictor: Callable[[], Any], arguments: Sequence[str]) -> int:
    """The command line: paths in, JSON in UTF-8 on standard output; exit code 0, or 2 where no item could be read."""
    if not arguments:
        sys.stderr.write("usage: python predictor.py FILE...\n")
        return 2
    predictor = open_predictor()
    results = predictor.predict([Path(argument) for argument in arguments])
    document = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    sys.stdout.flush()
    # Whatever the encoding of this system: JSON is UTF-8, and half a character of a file's name is escaped.
    sys.stdout.buffer.write(document.encode("utf-8", "backslashreplace"))
    sys.stdout.flush()
    if all("error" in result for result in results):
        sys.stderr.write(f"no {predictor.reader.item} could be read\n")
        return 2
    return 0
