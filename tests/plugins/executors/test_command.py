"""Workers that a line of the user's starts."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from crews import ADDRESS, MadeUp

from autotl_plugins.executors import command
from autotl_plugins.executors.command import filled, look, obstacle

WORKER = ["autotl", "worker", "--run", "/my runs/one"]


@pytest.fixture(autouse=True)
def looked_at_again():
    look.cache_clear()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("srun -n1 --gpus=1", ["srun", "-n1", "--gpus=1", *WORKER]),
        ("env", ["env", *WORKER]),
        ("ssh -p 22 host", ["ssh", "-p", "22", "host", "autotl worker --run '/my runs/one'"]),
        ("ssh host 'cd /x && {}'", ["ssh", "host", "cd /x && autotl worker --run '/my runs/one'"]),
        ("sh -c {}", ["sh", "-c", "autotl worker --run '/my runs/one'"]),
    ],
)
def test_the_command_of_a_worker_is_appended_or_put_where_the_braces_are(line, expected):
    assert filled(line, WORKER) == expected


def test_words_with_spaces_reach_the_worker_whole(tmp_path):
    show = [sys.executable, "-c", "import sys; print(sys.argv[1:])", "/my runs/one", "it's"]
    for line in ("env", "sh -c {}", "sh -c 'true && {}'"):
        told = subprocess.run(filled(line, show), capture_output=True, text=True, check=True).stdout
        assert told.strip() == str(["/my runs/one", "it's"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "needs a line that starts a worker"),
        ("ssh 'host", "cannot be read as a command"),
        ("bash -c", "bash -c {}"),
        ("no-such-program -n1", "there is no program 'no-such-program'"),
        ("sh -c 'echo out of order >&2; exit 7' {}", r"exit code 7\): out of order"),
        ("false", r"cannot run a command \(exit code 1\): it printed nothing"),
    ],
)
def test_a_line_that_starts_nothing_is_refused_before_any_work(line, said, tmp_path):
    import re

    assert re.search(said, obstacle(line, str(tmp_path / "run")))


def test_a_line_that_does_not_answer_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "ANSWER_SECONDS", 0.3)
    assert "did not answer within 0.3 seconds" in obstacle("sh -c 'sleep 5; {}'", str(tmp_path))


def test_a_line_to_this_machine_is_no_obstacle_and_leaves_nothing_behind(tmp_path):
    assert obstacle("env", str(tmp_path / "new" / "run")) == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("unshare"), reason="needs mount namespaces")
def test_a_place_that_does_not_see_the_run_folder_is_refused_with_what_to_do(tmp_path):
    """A real other place: its /tmp, or wherever the folder is, is empty."""
    line = f"unshare -m sh -c 'mount -t tmpfs none {tmp_path} && {{}}'"
    if subprocess.run(filled(line, ["true"]), capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    said = obstacle(line, str(tmp_path / "run"))
    assert f"does not see {tmp_path}" in said
    assert "--storage postgresql" in said
    assert obstacle(line, "s3://bucket/runs/x") == ""


def test_a_machine_without_autotl_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(command.sys, "executable", "/nowhere/python")
    said = obstacle("env PATH=/usr/bin:/bin", str(tmp_path))
    assert "neither /nowhere/python nor a command autotl" in said


def with_autotl_on_the_path(folder, monkeypatch, script):
    """A crew on a machine that lacks this installation, and has a command autotl."""
    (folder / "autotl").write_text(f"#!/bin/sh\n{script}")
    (folder / "autotl").chmod(0o755)
    monkeypatch.setattr(command.sys, "executable", "/nowhere/python")
    return MadeUp(folder, "", option=f"env PATH={shlex.quote(str(folder))}:/usr/bin:/bin")


def test_the_worker_is_this_installation_where_it_is_seen_and_the_command_on_the_path_where_it_is_not(
    tmp_path, monkeypatch
):
    made = with_autotl_on_the_path(tmp_path, monkeypatch, 'read address; echo "from the path: $@, $address"')
    with command.start(made.crew):
        pass
    assert made.log == f"from the path: worker --number 1, {ADDRESS}\n"


def test_a_run_that_is_shared_by_a_url_needs_no_folder_that_the_worker_sees(tmp_path, monkeypatch):
    """This installation is used all the same where it is there under the same path."""
    ask = command._ask
    monkeypatch.setattr(command, "_ask", lambda option, file: ask(option, f"{file}-unseen" if file else ""))
    made = MadeUp(tmp_path, "", option="env PATH=/usr/bin:/bin")
    made.crew = replace(made.crew, program=("echo", "of this installation"))
    with command.start(made.crew):
        pass
    assert made.log.startswith("of this installation")


def test_an_obstacle_that_was_removed_is_one_no_longer(tmp_path):
    line = f"sh -c 'test -e {tmp_path}/key && {{}}'"
    assert "cannot run a command" in obstacle(line, str(tmp_path))
    (tmp_path / "key").touch()
    assert obstacle(line, str(tmp_path)) == ""


def test_a_file_of_trials_that_machines_share_is_warned_of(tmp_path, monkeypatch):
    monkeypatch.setattr(command.platform, "node", lambda: "the-leader")
    made = MadeUp(tmp_path, "", option="sh -c 'true {}'")
    made.crew = replace(made.crew, first_line="sqlite:////shared/study.db\n")
    with command.start(made.crew):
        pass
    [said] = made.said
    assert "network drives do not lock files reliably" in said


def test_the_password_is_neither_on_the_command_line_nor_in_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOTL_STORAGE", ADDRESS)
    made = with_autotl_on_the_path(tmp_path, monkeypatch, 'echo "$@"; env; cat /proc/$$/cmdline')
    with command.start(made.crew):
        pass
    assert "worker --number 1" in made.log
    assert "swordfish" not in made.log
