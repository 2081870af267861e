"""After each trial: telling watchers and listeners, and writing leaderboard.csv and the expected gain."""

from __future__ import annotations

from autotl.evidence.leaderboard import Leaderboard
from autotl.plugins import Plugins
from autotl.runs.events import TrialEnded
from autotl.runs.run import Run
from autotl.runs.summaries import ExpectedGain
from autotl.runtime.clock import Clock
from autotl.search.expected_gain import expect_gain, gain_sentence
from autotl.trial import PROBE, TrialRecord, format_size


class TrialAnnouncer:
    """Tells watchers and listeners of every trial that ended, whichever process ran it, once."""

    def __init__(self, run: Run, plugins: Plugins, clock: Clock) -> None:
        self._run, self._plugins, self._clock = run, plugins, clock
        self._announced = set(run.state().get("announced", ()))

    def announce(self, board: Leaderboard) -> None:
        """Announce the trials that were not; writes leaderboard.csv, and into run.json what is expected of more."""
        best = board.best()
        for trial in sorted(board.trials, key=lambda t: t.number):
            if trial.number not in self._announced:
                self._announced.add(trial.number)
                self._run.emit(_trial_ended(self._run, trial, board.title(trial), best))
                self._plugins.notify("on_trial_end", run=self._run, trial=trial)
        board.write(self._run.folder / "leaderboard.csv")
        values = [trial.score.value for trial in board.of(PROBE) if trial.score.is_defined]
        gain = expect_gain(values, larger_is_better=board.larger_is_better)
        if gain:
            self._run.update(outlook=ExpectedGain(gain, gain_sentence(gain, board.objective)).to_json())
        self._run.update(announced=sorted(self._announced), spent_seconds=self._clock.spent())


def _trial_ended(run: Run, trial: TrialRecord, name: str, best: TrialRecord | None) -> TrialEnded:
    reading, score = trial.reading, trial.score.to_json()
    return TrialEnded(
        trial.number,
        name,
        trial.state,
        trial.strategy,
        backbone=reading.backbone if reading else "",
        size=format_size(reading.size) if reading else "",
        stage=reading.stage if reading else "",
        pooling=reading.pooling if reading else "",
        head=trial.head,
        value=score["value"],
        low=score["low"],
        high=score["high"],
        started=trial.started,
        seconds=trial.seconds,
        reason=trial.reason,
        best_trial=best.number if best else None,
        counts=run.config.counts(trial.strategy, trial.head),
    )
