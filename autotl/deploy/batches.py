"""Opening a graph and reading items ahead of it; an exported model carries a copy of this file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
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


def read_ahead(given: Sequence[Any], read: Callable[[Any], Any]) -> Iterator[list[Any]]:
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
