"""Linear algebra on small problems keeps to one thread, however often that is asked for."""

from __future__ import annotations

import os

from threadpoolctl import threadpool_info

from autotl.runtime.blas_threads import limit_threads, threads_per_worker


def threads():
    return {library["filepath"]: library["num_threads"] for library in threadpool_info()}


def test_within_the_limit_every_library_has_one_thread_and_afterwards_what_it_had():
    with limit_threads(1):  # loads the libraries
        pass
    before = threads()
    for _ in range(2):
        with limit_threads(1):
            assert set(threads().values()) == {1}
        assert threads() == before


def test_no_limit_changes_nothing():
    before = threads()
    with limit_threads(None):
        assert threads() == before


def test_several_workers_share_the_cores():
    assert threads_per_worker(1) is None
    assert threads_per_worker(2) == max(1, os.cpu_count() // 2)
    assert threads_per_worker(10_000) == 1
