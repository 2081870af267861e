"""Announcing trials that have ended."""

from __future__ import annotations

from autotl.evidence.leaderboard import Leaderboard
from autotl.plugins import Plugins
from autotl.runs.run import Run
from autotl.runs.summaries import ExpectedGain
from autotl.runtime.clock import Clock
from autotl.search.expected_gain import expect_gain, gain_sentence
from autotl.trial import PROBE


class TrialAnnouncer:
    """Tells watchers and listeners of every trial that ended, whichever process ran it, once."""

    def __init__(self, run: Run, plugins: Plugins, clock: Clock) -> None:
        self._run, self._plugins, self._clock = run, plugins, clock
        self._announced = set(run.state().get("announced", ()))

    def announce(self, board: Leaderboard) -> None:
        """Announce the trials that were not; writes leaderboard.csv, and into run.json what is expected of more."""
        best = board.best()
        best_so_far = {"best_trial": best.number, "best_value": best.score.value} if best else {}
        for trial in sorted(board.trials, key=lambda t: t.number):
            if trial.number not in self._announced:
                self._announced.add(trial.number)
                self._run.emit("trial", name=board.title(trial), **trial.to_json(), **best_so_far)
                self._plugins.notify("on_trial_end", run=self._run, trial=trial)
        board.write(self._run.folder / "leaderboard.csv")
        values = [trial.score.value for trial in board.of(PROBE) if trial.score.is_defined]
        gain = expect_gain(values, larger_is_better=board.larger_is_better)
        if gain:
            self._run.update(outlook=ExpectedGain(gain, gain_sentence(gain, board.objective)).to_json())
        self._run.update(announced=sorted(self._announced), spent_seconds=self._clock.spent())
