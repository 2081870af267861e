"""A process for trials, as `autotl.search.trial_child`, in which those with certain numbers misbehave."""

from __future__ import annotations

import errno
import os
import signal
import time

import numpy as np

from autotl.runtime.guarded_process import serve

SLEEPS, LEAKS, EXITS, RAISES, NO_MEMORY, OUT_ON_GPU, DISK_FULL, TELLS_AND_SLEEPS = range(101, 109)
EVERY_TRIAL_SLEEPS = "AUTOTL_TEST_EVERY_TRIAL_SLEEPS"
JOINT_TRAINING = "AUTOTL_TEST_JOINT_TRAINING"
"""In the environment: "is killed" or "hangs"."""


class ResourceExhaustedError(Exception):
    """As TensorFlow calls it."""


def main():
    serve(_start)


def _start(ask):
    from autotl.search import joint_fine_tune, run_trial, trial_child
    from autotl.training import fine_tuning

    handler = trial_child._start(ask)
    real, fine_tuning.MAX_EPOCHS = run_trial.fine_tune, 2
    train = joint_fine_tune.train

    def train_jointly(*arguments, **options):
        if os.environ.get(JOINT_TRAINING) == "is killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if os.environ.get(JOINT_TRAINING) == "hangs":
            time.sleep(600)
        return train(*arguments, **options)

    def fine_tune(context, candidate, hp, folder, options):
        misbehave(context, int(folder.name))
        return real(context, candidate, hp, folder, options)

    run_trial.fine_tune, joint_fine_tune.train = fine_tune, train_jointly
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
