"""Several processes that make one pass compute every item, and hardly any of them twice."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import deque

import numpy as np
import pytest

from autotl.features import engine_choice
from autotl.features import features as module
from autotl.features.engine import Engine
from autotl.features.features import extract
from autotl.features.frozen_network import Column, FrozenNetwork
from autotl.features.shared_pass import SharedPass


def digests_of(n):
    return np.array([hashlib.sha256(str(i).encode()).hexdigest() for i in range(n)], dtype="S64")


class Store:
    """What processes have kept, by the time at which each looks."""

    def __init__(self, digests, kept=()):
        self.digests, self.log, self.time = digests, [np.asarray(kept, dtype=int)], 0

    def arrivals(self):
        seen = 0

        def since():
            nonlocal seen
            new, seen = self.log[seen:], len(self.log)
            return self.digests[np.concatenate([*new, np.zeros(0, dtype=int)]).astype(int)]

        return since


class Process:
    """One process of a simulation, which holds a part that it computes and a part ahead; speed: parts in a step."""

    def __init__(self, store, number, *, speed=1.0, begins=0, dies=None):
        self.store, self.speed, self.begins, self.dies = store, speed, begins, dies
        self.shared = SharedPass(store.digests, store.arrivals(), number=number, clock=lambda: store.time)
        self.parts, self.ahead, self.done = self.shared.parts(), deque(), 0.0

    def step(self):
        """Returns whether it has ended."""
        self.done += self.speed
        while self.done >= 1:
            self.done -= 1
            while len(self.ahead) < 2 and (part := next(self.parts, None)) is not None:
                self.ahead.append(list(part))
            if self.ahead:
                part = self.ahead.popleft()
                first = self.shared.keep(part)
                self.store.log.append(np.array(part)[first])
                continue
            if self.shared.n_kept == len(self.store.digests):
                return True
            self.parts = self.shared.parts()  # it waited for what it left to others
        return False


def simulate(store, processes, steps=2000):
    """Let them compute in turns; how many items were computed altogether."""
    running = list(processes)
    for step in range(steps):
        store.time = step
        for process in [one for one in running if one.begins <= step]:
            if process.dies == step or process.step():
                running.remove(process)
        if not running:
            break
    assert not running
    return sum(process.shared.computed for process in processes)


def test_a_process_that_is_alone_computes_everything_in_the_order_given():
    digests = digests_of(1000)
    store = Store(digests)
    shared = SharedPass(digests, store.arrivals())
    order = []
    for part in shared.parts():
        order += part
        store.log.append(np.array(part)[shared.keep(part)])
    assert order == list(range(1000))
    assert shared.n_kept == shared.computed == 1000
    assert not shared.wait(lambda: False)


def test_what_was_kept_before_is_not_computed_and_a_later_number_wraps_around():
    digests = digests_of(400)
    shared = SharedPass(digests, Store(digests, kept=range(100)).arrivals(), number=1)
    order = [place for part in shared.parts() for place in part]
    assert order == [*range(200, 400), *range(100, 200)]


@pytest.mark.parametrize("n_items", [2000, 20_000])
@pytest.mark.parametrize(
    "processes",
    [
        [{"number": 0}, {"number": 1}],
        [{"number": 0}, {"number": 0}],
        [{"number": 0}, {"number": 0, "begins": 9}],
        [{"number": 0}, {"number": 1, "speed": 0.3}],
        [{"number": 0, "speed": 0.3}, {"number": 5, "begins": 3}],
        [{"number": number} for number in range(4)],
    ],
    ids=["two workers", "two runs", "a later run", "a slow one", "a later, faster one", "four workers"],
)
def test_hardly_anything_is_computed_twice(n_items, processes):
    store = Store(digests_of(n_items))
    crew = [Process(store, **one) for one in processes]
    assert simulate(store, crew) <= (1.1 if len(crew) == 2 else 1.2) * n_items
    assert len(np.unique(np.concatenate(store.log))) == n_items


def test_many_processes_with_numbers_drawn_at_random_compute_little_twice():
    draw = random.Random(0)
    store = Store(digests_of(20_000))
    crew = [Process(store, draw.randrange(2**20), speed=draw.uniform(0.5, 1.5)) for _ in range(8)]
    assert simulate(store, crew) <= 1.3 * 20_000


def test_a_process_that_dies_leaves_its_items_to_the_others():
    store = Store(digests_of(2000))
    crew = [Process(store, 0), Process(store, 1, dies=5)]
    simulate(store, crew)
    assert len(np.unique(np.concatenate(store.log))) == 2000


def test_one_that_has_computed_little_takes_over_what_a_dead_one_had_begun(monkeypatch):
    store = Store(digests_of(2000))
    monkeypatch.setattr(time, "sleep", lambda seconds: setattr(store, "time", store.time + seconds))
    late = SharedPass(store.digests, store.arrivals(), clock=lambda: store.time)
    part = next(late.parts())
    store.time = 1
    late.keep(part)
    store.log.append(np.arange(len(part), 1936))  # by the other, which is killed then
    assert not list(late.parts())
    assert late.wait(lambda: store.time > 1000)
    assert store.time < 20
    assert late.rate == len(part)
    assert [place for part in late.parts() for place in part] == [*range(1936, 2000)]


def test_waiting_ends_with_the_time():
    digests = digests_of(100)
    shared = SharedPass(digests, Store(digests).arrivals())
    began = time.monotonic()
    assert not shared.wait(lambda: True)
    assert time.monotonic() - began < 1


class Counting:
    """An engine whose vectors are the mean of each image; it takes a while, and counts."""

    def __init__(self, seconds):
        self.seconds, self.n_images, self._lock = seconds, 0, threading.Lock()

    def open(self, network, sample, *, threads, forced):
        return engine_choice.Choice(Engine("onnxruntime", "0", self.compute, 2, 8), "")

    def compute(self, pixels):
        time.sleep(self.seconds * len(pixels))
        with self._lock:
            self.n_images += len(pixels)
        return [pixels.mean(axis=(1, 2)).astype(np.float32)]


def test_two_at_once_with_one_cache_share_the_images(tmp_path, toy_dataset, monkeypatch):
    dataset = toy_dataset(["a", "b"] * 400)
    monkeypatch.setattr(
        module, "read_pixels", lambda _, item, size, *_crop: np.full((*size, 3), item % 251, dtype=np.uint8)
    )
    network = FrozenNetwork("mean", (8, 8), "mean", tmp_path / "mean.onnx", (Column("top", "avg", 0, 3),))
    counting = Counting(0.002)
    monkeypatch.setattr(module, "choose_engine", counting.open)
    found = {}

    def read(number):
        found[number] = extract(dataset, network, cache=tmp_path / "cache", threads=1, process=number)

    threads = [threading.Thread(target=read, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counting.n_images <= 1.1 * 800
    assert sum(one.computed for one in found.values()) <= 1.1 * 800
    assert min(one.computed for one in found.values()) > 200
    assert (found[0].read("top", "avg") == found[1].read("top", "avg")).all()
    assert all(one.computed + one.reused == 800 for one in found.values())
