"""After the schedule fine-tuning goes on with sampled trials, and takes no more of the time than it may bring."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planning import LARGE, LOGISTIC, SMALL, Bench, board, network, plan, probe, read, space, tuned

from autotl.search.planner import STALLED_TRIALS, Step
from autotl.trial import FINE_TUNE, PROBE, Candidate, Training

SETTLED = [probe(1, 0.7), *(probe(n, 0.6) for n in range(2, 2 + STALLED_TRIALS))]
SAMPLED = Step(pinned={"strategy": FINE_TUNE})


def ladder(*values, seconds=10.0):
    """The steps of the schedule, of which the last two brought nothing."""
    return [
        tuned(n, value, depth, seconds=seconds)
        for n, (value, depth) in enumerate(zip(values, (1, 3, 5), strict=True), 50)
    ]


def candidate(depth=1, size=SMALL):
    training = Training(depth, 2e-4, 1e-5, augment=False, dropout=0.2)
    return Candidate(FINE_TUNE, network("net"), read(size), LOGISTIC, training)


def test_where_the_schedule_ends_a_trial_is_sampled_and_then_a_probe_has_its_turn():
    tried = [*SETTLED, *ladder(0.8, 0.7, 0.7)]
    after_probe = [*tried, probe(60, 0.6)]
    for budget in (None, 100.0):
        planner = plan(left=60.0, budget=budget)
        assert planner.next(board(*after_probe), [], 0.5) == SAMPLED
        assert planner.next(board(*tried), [], 0.5).pinned["strategy"] == PROBE
    assert plan(strategy=FINE_TUNE).next(board(*tried), [], 0.5) == SAMPLED


def test_sampled_trials_are_no_steps_of_the_schedule():
    sampled = tuned(9, 0.95, 4, told={"learning_rate": 1e-3, "augment": True})
    overrides = plan().next(board(*SETTLED, tuned(50, 0.6, 1), sampled), [], 0.5).overrides
    assert (overrides["trainable_stages"], overrides["learning_rate"]) == (3, 5e-4)
    step = plan().schedule.start_from(
        Candidate(FINE_TUNE, network("net"), read(), LOGISTIC, Training(6, 5e-4, 1e-4, False)), board(sampled)
    )
    assert step is None


@pytest.mark.parametrize(
    ("values", "seconds", "goes_on"),
    [
        ((0.9, 0.8, 0.8), 25.0, True),  # it leads: 75 of 80 s
        ((0.9, 0.8, 0.8), 27.0, False),
        ((0.68, 0.6, 0.6), 14.0, True),  # it may well take the lead: 42 of 50 s
        ((0.68, 0.6, 0.6), 17.0, False),
        ((0.1, 0.05, 0.05), 4.0, True),  # it hardly can: 12 of 25 s
        ((0.1, 0.05, 0.05), 8.0, False),
    ],
)
def test_fine_tuning_has_a_share_of_the_budget_beside_probes_by_what_it_has_brought(values, seconds, goes_on):
    bench = Bench(tuning=-3.0)  # 3 s with what every trial takes
    tried = board(*SETTLED, *ladder(*values, seconds=seconds), probe(60, 0.6))
    step = plan(bench, left=50.0, budget=100.0).next(tried, [], 0.5)
    assert (step == SAMPLED) == goes_on
    assert plan(bench, left=50.0, budget=100.0, strategy=FINE_TUNE).next(tried, [], 0.5) == SAMPLED


def test_a_step_of_the_schedule_is_not_begun_either_where_fine_tuning_has_had_its_share():
    tried = board(*SETTLED, tuned(50, 0.1, 1, seconds=30.0), probe(60, 0.6))
    assert plan(left=50.0, budget=100.0).next(tried, [], 0.5).pinned["strategy"] == PROBE
    assert plan(left=50.0, budget=None).next(tried, [], 0.5).overrides["trainable_stages"] == 3


def test_only_what_a_sampled_trial_may_take_is_accepted():
    bench = Bench(tuning=0.0, epoch=0.5, read=[("net", SMALL), ("net", LARGE)])  # 3 s of a stage at 32 pixels
    tried = board(*SETTLED, *ladder(0.8, 0.7, 0.7))
    in_time = plan(bench, left=90.0, budget=100.0).tuning  # of which a sampled trial may take 18 s
    assert in_time.accepts(candidate(2), tried)
    assert not in_time.accepts(candidate(5), tried)
    assert not in_time.accepts(candidate(2, LARGE), tried)
    for_ever = plan(bench, trials=20).tuning  # what the deepest step takes, which has 5 stages
    assert for_ever.accepts(candidate(5), tried)
    assert for_ever.accepts(candidate(1, LARGE), tried)
    assert not for_ever.accepts(candidate(6), tried)
    assert not for_ever.accepts(candidate(2, LARGE), tried)


def test_without_a_budget_more_folds_are_measured_as_more_was_tuned():
    bench = Bench(tuning=0.0, epoch=0.5)
    without = plan(bench, trials=20).tuning
    rates = {"learning_rate": 5e-4, "weight_decay": 1e-4}
    three = [tuned(number, 0.8, 1, told=rates) for number in (50, 51, 52)]
    assert without.most_folds(candidate(1), board(*SETTLED)) == 1
    assert without.most_folds(candidate(1), board(*SETTLED, *three)) == 2
    deeper = [*three, tuned(53, 0.7, 3, told=rates), tuned(54, 0.7, 5, told=rates)]
    assert without.most_folds(candidate(1), board(*SETTLED, *deeper)) > 2
    spent = [replace(trial, training={**trial.training, "folds": 5}) for trial in deeper]
    assert without.most_folds(candidate(1), board(*SETTLED, *spent)) == 1


def test_each_head_has_two_turns_before_the_sampler_chooses_one():
    first, second = "logistic", "svm"
    tuning = plan(within=space(tunable=(first, second))).tuning
    tried = [*SETTLED, *ladder(0.8, 0.7, 0.7)]

    def pinned(*heads, dropped=()):
        told = {"learning_rate": 1e-3, "augment": True}
        sampled = [replace(tuned(60 + i, 0.5, 2, told=told), head=head) for i, head in enumerate(heads)]
        return list(tuning.pinned_head(board(*tried, *sampled), dropped).values())

    assert pinned() == [first]
    assert pinned(first) == [second]
    assert pinned(first, second, first) == [second]
    assert pinned(first, second, first, second) == []
    assert pinned(first, first, dropped=[second]) == []


def test_with_a_budget_the_time_decides_on_how_many_folds_is_measured():
    assert plan(left=50.0, budget=100.0).tuning.most_folds(candidate(), board(*SETTLED)) is None


def test_where_nothing_else_is_accepted_the_schedules_first_step_is_pinned():
    tried = board(*SETTLED, *ladder(0.8, 0.7, 0.7))
    assert plan().tuning.fallback(tried) == {
        "strategy": FINE_TUNE, "backbone": "net", "backbone=net/size": "32x32", "stage": "joined",
        "pooling": "avg+max", "strategy=fine-tune/trainable_stages": 1, "strategy=fine-tune/augment": False,
    }  # fmt: skip


def crashed(number):
    return replace(tuned(number, None, 1, "failed"), cause="crash")


def test_after_two_that_ended_their_process_nothing_is_fine_tuned_and_their_head_is_probed_on():
    once = board(*SETTLED, crashed(50))
    assert plan().next(once, [], 0.5).overrides["strategy"] == FINE_TUNE
    for budget in (None, 100.0):
        planner, twice = plan(left=60.0, budget=budget), board(*SETTLED, crashed(50), crashed(51))
        assert planner.next(twice, [], 0.5).pinned["strategy"] == PROBE
        assert "ended their process" in planner.tuning.next(twice)
        assert planner.tuning.is_over(twice)
        assert not planner.heads.dropped
    assert "ended their process" in plan(strategy=FINE_TUNE).next(twice, [], 0.5)


def test_one_that_completes_between_them_is_a_sign_that_others_may():
    tried = board(*SETTLED, crashed(50), tuned(51, 0.9, 1), crashed(52))
    assert plan().next(tried, [], 0.5).overrides["strategy"] == FINE_TUNE


def test_fine_tuning_is_near_when_most_of_what_it_waits_for_has_passed():
    few, most = board(*SETTLED[:4]), board(*SETTLED[:-2])
    assert not plan().tunes_soon(few)
    assert plan().tunes_soon(most)
    assert not plan(strategy=PROBE).tunes_soon(most)
    assert plan(left=60.0, budget=100.0).tunes_soon(few)
    assert not plan(Bench(tuning=1000.0), left=60.0, budget=100.0).tunes_soon(most)  # it would not fit
