"""What a machine is doing while a study runs."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable


class MetricsSampler(threading.Thread):
    """Measures processor, memory and graphics cards once a second.

    MLflow's own monitor writes to a run that exists while it measures; a trial's run is created after the trial.
    """

    def __init__(self, *, family: bool) -> None:
        super().__init__(name="autotl-system-metrics", daemon=True)
        self._family = family  # child processes count too
        self._samples: deque[tuple[float, dict[str, float]]] = deque(maxlen=24 * 3600)
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def window(self, started: float, seconds: float) -> dict[str, float]:
        """Means, and peaks for memory, from `started` (seconds since the epoch) for `seconds`."""
        samples = list(self._samples)
        inside = [values for when, values in samples if started <= when <= started + seconds]
        if not inside and samples:  # shorter than the interval: the nearest sample stands for it
            when, values = min(samples, key=lambda sample: abs(sample[0] - started - seconds / 2))
            inside = [values] if abs(when - started - seconds / 2) <= 2 else []
        return {
            f"system/{name}": max(column) if name.endswith("megabytes") else sum(column) / len(column)
            for name in (inside[0] if inside else ())
            if (column := [values[name] for values in inside if name in values])
        }

    def run(self) -> None:
        import psutil

        process = psutil.Process()
        cards = _graphics_cards()
        psutil.cpu_percent()  # counts from here
        while not self._stopping.wait(1.0):
            try:
                family = [process, *process.children(recursive=True)] if self._family else [process]
                memory = sum(member.memory_info().rss for member in family)
                values = {"cpu_utilization_percentage": psutil.cpu_percent(), "process_memory_megabytes": memory / 1e6}
                self._samples.append((time.time(), values | cards()))
            except psutil.Error:  # a child that ended meanwhile
                continue


def _graphics_cards() -> Callable[[], dict[str, float]]:
    """A function that measures all NVIDIA cards, under MLflow's own names; it finds none without nvidia-ml-py."""
    try:
        import pynvml  # type: ignore[import-not-found]

        pynvml.nvmlInit()
        cards = [pynvml.nvmlDeviceGetHandleByIndex(n) for n in range(pynvml.nvmlDeviceGetCount())]
    except Exception:  # no library, no driver, no card
        return dict

    def measure() -> dict[str, float]:
        values: dict[str, float] = {}
        for n, card in enumerate(cards):
            try:
                values[f"gpu_{n}_memory_usage_megabytes"] = pynvml.nvmlDeviceGetMemoryInfo(card).used / 1e6
                values[f"gpu_{n}_utilization_percentage"] = float(pynvml.nvmlDeviceGetUtilizationRates(card).gpu)
            except pynvml.NVMLError:  # not every card tells everything
                continue
        return values

    return measure
