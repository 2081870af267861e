"""Which heads are not tried any more."""

from __future__ import annotations

from dataclasses import replace

from planning import board, plan, probe

from autotl.search.lost_trials import TRIED_AGAIN


def lost(number, reason):
    return replace(probe(number, state="failed"), cause="lost", reason=reason)


def dropped(*trials):
    heads = plan().heads
    heads.look(board(probe(1), *trials))
    return heads.dropped


def test_trials_that_were_lost_with_their_machine_do_not_count_against_their_head():
    assert not dropped(*(lost(number, f"the head node is gone; {TRIED_AGAIN}") for number in range(2, 6)))


def test_a_head_is_dropped_whose_trials_were_lost_again():
    again = [lost(number, "the process ended while it ran, as in trial 2: it is not tried again") for number in (3, 4)]
    assert "2 of its trials ended their process" in dropped(lost(2, TRIED_AGAIN), *again)["logistic"]
