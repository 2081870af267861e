"""Fitting the folds of several heads side by side, on every core.

A fold is one task, and the tasks of several trials wait in one line, so that five folds keep two cores busy, or
sixteen. They are threads: what takes the time runs in NumPy, SciPy and libsvm, which let other threads run meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import numpy as np

from autotl.data.split import Split
from autotl.runtime.blas_threads import limit_threads, pin_thread
from autotl.training.classifiers import Classifier
from autotl.training.cross_validation import FoldAnswers, answer_fold

MOST_ITEMS = 20_000
"""With more items a fit uses several cores by itself, and two of them side by side much memory."""
T = TypeVar("T")


class FoldPool:
    """Threads that work side by side; each call of linear algebra uses one of them, whatever else runs.

    n_threads: 1 where nothing may run side by side: then everything is computed when it is asked for.
    """

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads
        self._threads: ThreadPoolExecutor | None = None
        self._pinned: AbstractContextManager[Any] | None = None
        self._n_begun = 0
        self._left_behind: list[Future[Any]] = []

    def begin(self) -> None:
        """From now on tasks may be submitted; linear algebra keeps to one thread until every `end`."""
        if self._n_begun == 0 and self.n_threads > 1:
            self._pinned = limit_threads(1)
            self._pinned.__enter__()
        self._n_begun += 1

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Put a task into the line, between `begin` and `end`."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.n_threads, "autotl-fold", initializer=pin_thread)
        return self._threads.submit(work)

    def end(self, submitted: Sequence[Future[Any]]) -> None:
        """Give up tasks that have not started; the last `end` waits for those that have."""
        self._left_behind += [task for task in submitted if not task.cancel() and not task.done()]
        self._n_begun -= 1
        if self._n_begun == 0:
            wait(self._left_behind)
            self._left_behind.clear()
            if self._pinned:
                self._pinned.__exit__(None, None, None)
                self._pinned = None

    def map(self, work: Sequence[Callable[[], T]]) -> list[T]:
        """The results of tasks that run side by side, in their order; the first exception of one is raised."""
        if self.n_threads == 1:
            return [one() for one in work]
        self.begin()
        tasks = [self.submit(one) for one in work]
        try:
            return [task.result() for task in tasks]
        finally:
            self.end(tasks)


class Folds:
    """A head's answers on every fold of a split.

    classifiers: one for each fold, which run side by side, or a single one, which takes them in turn.
    """

    def __init__(
        self, pool: FoldPool, classifiers: Sequence[Classifier], vectors: np.ndarray, labels: np.ndarray, split: Split
    ) -> None:  # fmt: skip
        self.classifiers = classifiers
        self._pool = pool
        self._tasks: list[Future[FoldAnswers]] = []

        def answer(fold: int) -> FoldAnswers:
            return answer_fold(classifiers[fold % len(classifiers)], vectors, labels, split, fold)

        self._answer = answer
        if len(classifiers) > 1:
            pool.begin()
            self._tasks = [pool.submit(lambda fold=fold: answer(fold)) for fold in range(split.n_folds)]  # type: ignore[misc]

    def answer(self, fold: int) -> FoldAnswers:
        """Those of a fold, once they are there; raises what the head raised."""
        return self._tasks[fold].result() if self._tasks else self._answer(fold)

    def is_ready(self, fold: int) -> bool:
        """Whether the answers of a fold are there."""
        return bool(self._tasks) and self._tasks[fold].done()

    def close(self) -> None:
        """Give up the folds that have not been answered."""
        if self._tasks:
            self._pool.end(self._tasks)
            self._tasks = []
