"""Jobs wait for their turn, and nothing that dies keeps a place: with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from queueing import begin, clear, end, has_begun, one_at_a_time, wait_until

from autotl_ui.jobs import jobs, tickets
from autotl_ui.jobs.lanes import MOST_JOBS, QUEUE
from autotl_ui.server.access import current
from autotl_ui.workspace.runs import look
from autotl_ui.workspace.workspace import Workspace

APP = """
import pathlib, sys, time
from autotl_ui.jobs import jobs
from autotl_ui.jobs.lanes import LANES, Lane
from autotl_ui.server.access import current
jobs.AUTOTL = (sys.executable, sys.argv[1])
LANES["fit"] = Lane("search", 1, 0)
for name in sys.argv[2:]:
    jobs.start(pathlib.Path(name), ["fit", name], owner=current().job_owner)
print("started", flush=True)
time.sleep(60)
"""


@pytest.fixture
def abc(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Path, Path]]:
    """The targets of three jobs, of which one works at a time."""
    one_at_a_time(monkeypatch, runs.parent)
    targets = (runs / "a", runs / "b", runs / "c")
    yield targets
    clear(*targets)


def test_the_second_waits_until_the_first_has_ended_and_stays_the_same_process(abc: tuple[Path, Path, Path]) -> None:
    a, b, c = abc
    begin(a)
    waiting = begin(b)
    begin(c)
    wait_until(lambda: has_begun(a))
    assert [look(target).status for target in abc] == ["starting", "queued", "queued"]
    assert [jobs.read(target).place for target in abc] == [0, 1, 2]  # type: ignore[union-attr]
    end(a)
    wait_until(lambda: has_begun(b))
    assert waiting.alive
    assert waiting.began > waiting.started
    assert [look(target).status for target in abc] == ["failed", "starting", "queued"]
    assert not has_begun(c)


def test_who_leaves_the_queue_was_stopped_before_it_had_begun_and_the_next_moves_up(
    abc: tuple[Path, Path, Path],
) -> None:
    a, b, c = abc
    for target in abc:
        begin(target)
    wait_until(lambda: has_begun(a))
    jobs.stop(b)
    wait_until(lambda: not jobs.read(b).alive)  # type: ignore[union-attr]
    assert look(b).status == "interrupted"
    assert look(b).problem == "It was stopped before it had begun; nothing was written."
    assert jobs.last_words(b) == ""
    assert jobs.read(c).place == 1  # type: ignore[union-attr]
    end(a)
    wait_until(lambda: has_begun(c))
    assert not has_begun(b)


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_job_at_work_or_waiting_counts_as_failed_and_frees_its_place(
    victim: int, abc: tuple[Path, Path, Path]
) -> None:
    for target in abc:
        begin(target)
    wait_until(lambda: has_begun(abc[0]))
    psutil.Process(jobs.read(abc[victim]).pid).kill()  # type: ignore[union-attr]
    wait_until(lambda: look(abc[victim]).status == "failed")
    assert look(abc[victim]).problem == "The search ended before it had begun."
    if victim == 1:
        end(abc[0])
    wait_until(lambda: has_begun(abc[2 if victim else 1]))


def test_a_child_that_outlives_its_job_keeps_no_place(abc: tuple[Path, Path, Path]) -> None:
    a, b, _ = abc
    begin(a, "--child")
    begin(b)
    wait_until(lambda: a.with_suffix(".child").exists() and a.with_suffix(".child").read_text())
    child = psutil.Process(int(a.with_suffix(".child").read_text()))
    try:
        psutil.Process(jobs.read(a).pid).kill()  # type: ignore[union-attr]
        wait_until(lambda: has_begun(b))
        assert child.is_running()
    finally:
        child.kill()


def test_the_queue_goes_on_after_the_app_was_killed(abc: tuple[Path, Path, Path], tmp_path: Path) -> None:
    a, b, c = abc
    command = [sys.executable, "-c", APP, str(tmp_path / "command.py"), str(a), str(b)]
    app = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert app.stdout
    assert app.stdout.readline() == "started\n"
    app.kill()
    app.communicate()
    wait_until(lambda: has_begun(a))
    begin(c)  # by the app that was started again
    assert [look(target).status for target in abc] == ["starting", "queued", "queued"]
    end(a)
    wait_until(lambda: has_begun(b))
    end(b)
    wait_until(lambda: has_begun(c))


def test_the_budget_does_not_count_what_was_spent_waiting(tmp_path: Path) -> None:
    lane = tmp_path / "search"
    with tickets.alone(tmp_path):
        first, second = tickets.take(lane, owner="x"), tickets.take(lane, owner="x")
    code = "from autotl.runtime.clock import seconds_since_process_began; print(seconds_since_process_began())"
    waiting = [
        sys.executable,
        "-m",
        "autotl_ui.jobs.waiting",
        str(second.path),
        "1",
        "0",
        "--",
        sys.executable,
        "-c",
        code,
    ]
    process = subprocess.Popen(waiting, pass_fds=(second.descriptor,), stdout=subprocess.PIPE, text=True)
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=3)
    os.close(first.descriptor)
    spent = float(process.communicate(timeout=20)[0])
    os.close(second.descriptor)
    assert spent < 2


def test_a_sixth_job_of_one_workspace_is_refused_with_a_reason(abc: tuple[Path, Path, Path]) -> None:
    targets = [abc[0].with_name(f"job{i}") for i in range(MOST_JOBS)]
    try:
        for target in targets:
            begin(target)
        with pytest.raises(jobs.BusyError, match="the most that one may have; start this one when another has ended"):
            begin(abc[0])
        assert jobs.read(abc[0]) is None
        assert tickets.count_of(abc[0].parents[1] / QUEUE, "/somebody/else") == 0
        jobs.stop(targets[-1])
        wait_until(lambda: not jobs.read(targets[-1]).alive)  # type: ignore[union-attr]
        begin(abc[0])
    finally:
        clear(*targets)


@pytest.mark.skipif(not psutil.LINUX, reason="elsewhere the system itself keeps the time at which a process was born")
@pytest.mark.parametrize("seconds", [-3600, -1, 1, 3600])
def test_a_job_is_still_there_when_the_clock_has_been_put_right(
    seconds: int, abc: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(abc[0])
    booted = psutil.boot_time()  # all that a process of Linux knows is how long after it was born
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + seconds)
    job = jobs.read(abc[0])
    assert job
    assert job.alive
    with pytest.raises(jobs.BusyError):
        begin(abc[0])


def test_another_process_of_the_same_number_is_not_the_job(abc: tuple[Path, Path, Path]) -> None:
    job = begin(abc[0])
    assert job.since_boot
    assert not replace(job, created=job.created - 100, since_boot=job.since_boot - 100).alive


def test_what_is_being_worked_on_is_not_started_again(abc: tuple[Path, Path, Path]) -> None:
    first = begin(abc[0])
    with pytest.raises(jobs.BusyError, match="a is being worked on already"):
        begin(abc[0])
    assert jobs.read(abc[0]) == first


@pytest.mark.parametrize("whole_machine", [True, False])
def test_the_jobs_of_a_guest_do_not_know_of_the_model_registry_of_whoever_serves(
    whole_machine: bool, abc: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://joe:secret@tracker")
    owner = Workspace(abc[0].parents[1], whole_machine=whole_machine).job_owner
    job = jobs.start(abc[0], ["fit", str(abc[0])], owner=owner)
    wait_until(lambda: has_begun(abc[0]))
    found = psutil.Process(job.pid).environ()
    assert ("MLFLOW_TRACKING_URI" in found) == whole_machine
    assert found["PATH"]


def test_a_server_needs_no_turn(abc: tuple[Path, Path, Path]) -> None:
    begin(abc[0])
    job = jobs.start(abc[1], ["serve", str(abc[1])], owner=current().job_owner)
    assert job.ticket == ""
    wait_until(lambda: has_begun(abc[1]))
    assert job.place == 0


def test_the_last_words_are_those_of_the_latest_attempt(abc: tuple[Path, Path, Path]) -> None:
    log = jobs.log_file(abc[0])
    log.parent.mkdir(parents=True)
    log.write_text('== autotl fit\nTraceback (most recent call last):\n  File "x"\nOSError: y\nError: the first\n')
    assert jobs.last_words(abc[0]) == "the first"
    assert jobs.tail(abc[0]) == "== autotl fit\nOSError: y\nError: the first\n"
    begin(abc[0])
    assert jobs.last_words(abc[0]) == ""


def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be written about jobs any more."""

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(jobs, "write_atomically", refuse)


def test_a_job_is_stopped_even_where_the_disk_is_full(
    abc: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = begin(abc[0])
    wait_until(lambda: has_begun(abc[0]))
    full_disk(monkeypatch)
    jobs.stop(abc[0])
    wait_until(lambda: not job.alive)


def test_a_job_that_nobody_could_know_of_does_not_go_on(
    abc: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    full_disk(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        begin(abc[0])
    assert jobs.read(abc[0]) is None
    queue = abc[0].parent.parent / QUEUE
    wait_until(lambda: not any(tickets.is_held(ticket) for ticket in queue.glob("*/*.ticket")))
