"""How many processes run trials where the user leaves it to the machine (`--workers auto`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autotl.errors import ConfigError
from autotl.runtime.free_memory import free_bytes
from autotl.runtime.gpus import Gpu, visible_gpus

AUTO = "auto"
CORES_EACH = 4
"""One process keeps 1.4 to 1.6 of 2 cores busy, by folds in threads. On 2 cores a second one made 30 trials on digits
no faster (121 s against 106 s; tests/benchmarks/RESULTS.md). For more cores this is an estimate."""
WORKER_BYTES = 1.5e9
"""A worker took 0.74 GB with TensorFlow, and each process for heads of others or networks 0.4 to 0.7 GB, on few images.
"""
LEAST_WORKER_BYTES = 0.5e9
"""Less than any worker has taken."""
GPU_TRIAL_BYTES = 6e9
"""GPU memory for a fine-tune trial of a backbone that is installed, at its largest size, with room to spare; not
measured on a GPU."""
MOST_EACH_GPU = 4


@dataclass(frozen=True)
class Machine:
    """What decides. cores: those that this process may use; memory_bytes: free."""

    cores: int
    memory_bytes: float
    gpus: Sequence[Gpu] = ()


def this_machine() -> Machine:
    """Look at the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(cores, free_bytes(), visible_gpus())


def choose_workers(machine: Machine) -> tuple[int, str]:
    """How many processes, the leading one among them, and why, in a sentence."""
    if machine.gpus:
        each = [min(MOST_EACH_GPU, max(1, int(gpu.free_bytes // GPU_TRIAL_BYTES))) for gpu in machine.gpus]
        wanted, why = sum(each), f"{len(each)} GPU{'s' * (len(each) > 1)} with room for {sum(each)} trials"
        most = max(1, machine.cores // 2)
    else:
        wanted, why = max(1, machine.cores // CORES_EACH), f"{machine.cores} cores, of which a process keeps some busy"
        most = wanted
    by_memory = max(1, int(machine.memory_bytes // WORKER_BYTES))
    n = min(wanted, most, by_memory)
    if n < wanted:
        limit = f"{machine.memory_bytes / 1e9:.1f} GB of free memory" if n == by_memory else f"{machine.cores} cores"
        why = f"{why}, but {limit}"
    return n, f"{n} worker{'s' * (n > 1)}: {why}"


def require_memory(n_workers: int) -> None:
    """Raise ConfigError if the memory of this machine cannot hold so many processes, whatever else runs."""
    import psutil

    total, needed = psutil.virtual_memory().total, n_workers * LEAST_WORKER_BYTES
    if needed > total:
        raise ConfigError(
            f"{n_workers} workers on this machine need more than {needed / 1e9:.0f} GB of memory, and it has "
            f"{total / 1e9:.0f} GB; give fewer, or --workers {AUTO} for what suits it"
        )


def read_workers(text: str | int, tell: Callable[[str], None] = lambda _sentence: None) -> int:
    """A number of processes; "auto" for what suits this machine. ConfigError if it is neither.

    tell: called with a sentence on how many suit it, and why.
    """
    if isinstance(text, int):
        return text
    if text.strip().lower() == AUTO:
        n, why = choose_workers(this_machine())
        tell(why)
        return n
    try:
        return int(text)
    except ValueError:
        raise ConfigError(
            f"workers is {text!r}; expected a whole number, or {AUTO!r} for what suits this machine"
        ) from None
