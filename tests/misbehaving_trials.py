"""A process for trials, as `autotl.search.trial_child`, in which those with certain numbers misbehave."""

from __future__ import annotations

import errno
import os
import time

import numpy as np

from autotl.runtime.guarded_process import serve

SLEEPS, LEAKS, EXITS, RAISES, NO_MEMORY, OUT_ON_GPU, DISK_FULL, TELLS_AND_SLEEPS = range(101, 109)
EVERY_TRIAL_SLEEPS = "AUTOTL_TEST_EVERY_TRIAL_SLEEPS"


class ResourceExhaustedError(Exception):
    """As TensorFlow calls it."""


def main():
    serve(_start)


def _start(ask):
    from autotl.search import run_trial, trial_child
    from autotl.training import fine_tuning

    handler = trial_child._start(ask)
    real, fine_tuning.MAX_EPOCHS = run_trial.fine_tune, 2

    def fine_tune(context, candidate, hp, folder, options):
        misbehave(context, int(folder.name))
        return real(context, candidate, hp, folder, options)

    run_trial.fine_tune = fine_tune
    return handler


def misbehave(context, number):
    from autotl.runs.events import Message

    if number == TELLS_AND_SLEEPS:
        context.run.emit(Message("asleep"))
    if number in (SLEEPS, TELLS_AND_SLEEPS) or EVERY_TRIAL_SLEEPS in os.environ:
        time.sleep(600)
    if number == LEAKS:
        held = []
        while True:
            held.append(np.ones(5_000_000))
            time.sleep(0.02)
    if number == EXITS:
        os._exit(7)
    if number == RAISES:
        raise ValueError("no such layer")
    if number == NO_MEMORY:
        raise MemoryError("Unable to allocate 9.9 TiB")
    if number == OUT_ON_GPU:
        raise ResourceExhaustedError("OOM when allocating tensor with shape[9,9]")
    if number == DISK_FULL:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/where/it/is/full.npy")
