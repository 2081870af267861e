"""One run that is killed again and again, carried on each time, and looked at in the end."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from endurance import stores
from endurance.phases import END, RUN_PHASES, PhaseReader
from endurance.processes import AUTOTL, Attempt
from endurance.report import Kill
from endurance.stores import Trials

LOST, FALSELY_FAILED, BROKEN = "finished trials lost", "falsely failed", "broken"
_LOOK_SECONDS = 0.02
_LASTS = {
    "start": 6.0, "scan": 0.5, "prepare": 1.0, "features": 2.0, "trial": 0.4, "fine-tuning": 8.0, "conclusion": 8.0,
    "recording": 3.0,
}  # fmt: skip
"""Seconds within which a phase is killed, counted from its beginning."""
_ATTEMPT_SECONDS = 900.0
_ENDS_WITHIN = 10.0
"""A process that has lost its leading process has so long to notice."""
_NOTICED_SECONDS = 3.0
"""Within which a cluster notices that a node is gone, to which trials may be sent meanwhile."""
_SHARED_PHASES = ("trial", "fine-tuning")
"""In which what is beside the processes of a run is at work for it."""


def _tell(text: str) -> None:
    print(text, flush=True)


class Beside(Protocol):
    """What runs use beside their own processes, such as the nodes of a cluster."""

    def kill_one(self) -> str:
        """Kill a part of it; returns what it was."""

    def restore(self) -> None:
        """Put another in the place of what was killed."""

    def left_over(self, *, seconds: float) -> list[str]:
        """What still works for a run that has ended, after a while."""


@dataclass(frozen=True)
class Setting:
    """What all runs of one harness share. options: of `autotl fit`; storage: where it is not study.db."""

    folder: Path
    data: Path
    options: tuple[str, ...]
    environment: Mapping[str, str]
    storage: str | None = None
    beside: Beside | None = None


@dataclass
class Round:
    """A run of its own, with a cache and a temporary folder of its own. kills: those of all rounds so far."""

    setting: Setting
    name: str
    rng: random.Random
    kills: list[Kill]
    mine: list[Kill] = field(default_factory=list)
    started: list[Attempt] = field(default_factory=list)
    tell: Callable[[str], None] = _tell

    def __post_init__(self) -> None:
        self.folder = self.setting.folder / self.name
        self.run, self.cache, self.temporary = (self.folder / part for part in ("run", "cache", "tmp"))
        self.temporary.mkdir(parents=True)
        self.environment = {
            **os.environ, **self.setting.environment, "AUTOTL_CACHE": str(self.cache), "TMPDIR": str(self.temporary),
            **({"AUTOTL_STORAGE": self.setting.storage} if self.setting.storage else {}),
        }  # fmt: skip
        self._known = Trials()
        self._allowed: set[int] = set()

    @property
    def item(self) -> Path:
        """A file of the data."""
        return next(path for path in sorted(self.setting.data.rglob("*")) if path.is_file())

    def play(self, n_kills: int) -> None:
        """Start the run, kill it so often, carry it on to its end, and look at what it left."""
        before = stores.hash_folder(self.setting.data)
        left = n_kills
        for number in range(4 * n_kills + 4):
            attempt, phases = self._begin(number)
            kill = None
            try:
                while left and (kill := self._interrupt(attempt, phases, is_last=left == 1)):
                    left -= 1
                    if not kill.is_beside:
                        break
                    self._restore()
                code = self._end_of(attempt, kill)
            finally:
                attempt.kill_all()
            self._compare()
            if code in (1, 2):
                self.blame(BROKEN, f"an attempt ended with exit code {code}: {self.last_words()}")
                break
            if code == 0:
                self._finish(before)
                break
        else:
            self.blame(BROKEN, "the run did not end")

    def _end_of(self, attempt: Attempt, kill: Kill | None) -> int | None:
        """The exit code of an attempt, of which nothing is left then."""
        code = attempt.exit_code if kill and kill.what == "everything" else attempt.wait(_ATTEMPT_SECONDS)
        if code is None:
            self.blame(BROKEN, f"an attempt did not end within {_ATTEMPT_SECONDS:.0f} s")
            attempt.kill_all()
        names = attempt.left_over(seconds=_ENDS_WITHIN)
        if self.setting.beside:
            names += self.setting.beside.left_over(seconds=_ENDS_WITHIN)
        if names:
            self.blame(BROKEN, f"processes left over: {names}")
        return code

    def _begin(self, number: int) -> tuple[Attempt, PhaseReader]:
        """Start the run, or carry it on where there is something to carry on."""
        if (self.run / "run.json").exists():
            command, events = ("resume", self.run), self.run / "events.jsonl"
        else:
            events = self.folder / f"fit-{number}.jsonl"
            command = ("fit", self.setting.data, "--run", self.run, "--events", events, *self.setting.options)
        self.tell(f"  {self.name}: {command[0]}")
        phases = PhaseReader(self.run, events)
        return self.start(*command), phases

    def _restore(self) -> None:
        if self.setting.beside:
            self.setting.beside.restore()

    def start(self, *arguments: str | Path) -> Attempt:
        """Start a command of this round."""
        return self.launch((*AUTOTL, *arguments))

    def launch(self, command: Sequence[str | Path]) -> Attempt:
        """Start any program of this round."""
        attempt = Attempt(command, environment=self.environment, cwd=self.folder, output=self.folder / "output.txt")
        self.started.append(attempt)
        return attempt

    def close(self) -> None:
        """End all that was started."""
        for attempt in self.started:
            attempt.kill_all()

    def _interrupt(self, attempt: Attempt, phases: PhaseReader, *, is_last: bool) -> Kill | None:
        """Kill at a random moment of the phase that was killed least; None where the run ends before."""
        # What is missed at the end of a run cannot be made up for.
        aim, delay = self._aim(RUN_PHASES if is_last else RUN_PHASES[:-2]), self.rng.random()
        until = time.monotonic() + _ATTEMPT_SECONDS
        while (phase := phases.read()) != aim:
            if phase == END or attempt.exit_code is not None or time.monotonic() > until:
                return None
            if RUN_PHASES.index(phase) > RUN_PHASES.index(aim):  # it was short, or is left out this time
                aim = self._aim(RUN_PHASES[RUN_PHASES.index(phase) :])
            time.sleep(_LOOK_SECONDS)
        time.sleep(delay * _LASTS[aim])
        return self._kill(attempt, phases)

    def _aim(self, phases: Sequence[str]) -> str:
        """One of the phases that were killed least, of those that this run has."""
        seen, options = Counter(kill.phase for kill in self.kills), self.setting.options
        absent = {"recording": "--register" not in options, "fine-tuning": "fine-tune" not in options}
        reachable = [phase for phase in phases if not absent.get(phase)] or [phases[-1]]
        fewest = min(seen[phase] for phase in reachable)
        return self.rng.choice([phase for phase in reachable if seen[phase] == fewest])

    def _kill(self, attempt: Attempt, phases: PhaseReader) -> Kill | None:
        one = self.rng.random() < 1 / 3
        known = self._read() if one else Trials()
        phase = phases.read()
        if phase == END or attempt.exit_code is not None:
            return None
        beside = self.setting.beside
        if beside and not (phase in _SHARED_PHASES and self.rng.random() < 1 / 2):
            beside = None
        if beside:
            known = self._read()
            what = beside.kill_one()
            time.sleep(_NOTICED_SECONDS)
            self._allowed |= self._read().running
        elif one:
            what = attempt.kill_one(self.rng.randrange(1000))
        else:
            what = "everything"
            attempt.kill_all()
            known = self._read()
        kill = Kill(phase, what, is_beside=beside is not None)
        self._known = Trials({**self._known.complete, **known.complete}, {**self._known.failed, **known.failed})
        self._allowed |= known.running
        self.kills.append(kill)
        self.mine.append(kill)
        self.tell(f"  {self.name}: killed {what} in {phase}; {len(known.complete)} trials complete")
        return kill

    def _read(self) -> Trials:
        try:
            return stores.read_trials(self.run, self.setting.storage)
        except Exception as error:
            self.blame(BROKEN, f"the study cannot be read: {type(error).__name__}: {error}")
            return Trials()

    def _compare(self) -> None:
        """Note what has become of the trials since."""
        now = self._read()
        for number, (score, predictions) in self._known.complete.items():
            if now.complete.get(number) != (score, predictions):
                self.blame(LOST, f"trial {number} was ({score}, {predictions!r}), is {now.complete.get(number)}")
        for number, (_, predictions) in now.complete.items():
            if not predictions:
                self.blame(LOST, f"trial {number} is complete, and has no predictions")
        for number, (cause, reason) in now.failed.items():
            if number not in self._known.failed and number not in self._allowed:
                self.blame(FALSELY_FAILED, f"trial {number} ({cause}): {reason}")
        self._known = Trials(dict(now.complete), dict(now.failed))

    def _finish(self, data_before: str) -> None:
        """Look at what a run left that has ended."""
        for text in stores.broken_parts(self.run):
            self.blame(BROKEN, text)
        if (n := stores.unreadable_events(self.run)) > len(self.mine):
            self.blame(BROKEN, f"{n} lines of events.jsonl cannot be read")
        for where in (self.run, self.cache):
            if found := stores.leftovers(where):
                self.blame(BROKEN, f"left over in {where.name}: {found}")
        if found := stores.unreadable_shards(self.cache):
            self.blame(BROKEN, f"unreadable in the cache: {found}")
        if stores.hash_folder(self.setting.data) != data_before:
            self.blame(BROKEN, "the data were changed")
        state = json.loads((self.run / "run.json").read_text(encoding="utf-8"))
        if state["status"] != "complete":
            self.blame(BROKEN, f"the run is {state['status']}")
        if unkept := (state.get("result") or {}).get("unkept"):
            self.blame(BROKEN, f"not kept: {unkept}")
        if any(trial for trial in self._read().running):
            self.blame(BROKEN, "a trial still counts as running")
        self._use_champion()
        for kill in self.mine:
            kill.carried_on = True

    def _use_champion(self) -> None:
        for what, command in (
            ("predict", [*AUTOTL, "predict", self.run, self.item, "--json"]),
            ("verify.py", [sys.executable, self.run / "verify.py"]),
        ):
            done = self.call(command)
            if done.returncode:
                self.blame(BROKEN, f"{what} ended with {done.returncode}: {(done.stdout + done.stderr)[-300:]}")

    def call(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            list(map(str, command)), capture_output=True, text=True, cwd=self.folder, env=self.environment, timeout=200
        )  # fmt: skip

    def blame(self, column: str, text: str) -> None:
        """Note that something must not have happened after the latest kill."""
        if not self.mine:
            self.mine.append(Kill("start", "nothing"))
            self.kills.append(self.mine[0])
        self.mine[-1].blame(column, text)
        self.tell(f"  {self.name}: {column}: {text}")

    def last_words(self) -> str:
        """The end of what the commands printed."""
        return (self.folder / "output.txt").read_text(encoding="utf-8", errors="replace")[-600:]
