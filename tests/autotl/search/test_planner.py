"""What is tried next, and when the search stops, is decided by what was found and by the time that is left."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planning import FIXED, LARGE, LOGISTIC, SMALL, Bench, board, plan, probe, read, scored, space, tuned
from small_encoder import small_graph

from autotl.interfaces import Encoder, Head, Joined, ScoreInterval, WordCounts
from autotl.search.planner import PATIENCE_TRIALS, STALLED_TRIALS, Step
from autotl.trial import ENSEMBLE, FINE_TUNE, PROBE, Candidate, TrialRecord

SETTLED = [probe(1, 0.9), *(probe(n, 0.8) for n in range(2, 2 + STALLED_TRIALS))]


def test_before_any_probe_has_completed_there_is_still_something_to_do():
    for trials in (
        (),
        (probe(1, state="failed"),),
        (TrialRecord(0, "complete", "majority", score=ScoreInterval(0.3)),),
    ):
        step = plan(trials=9).next(board(*trials), [], 0.6)
        assert step.pinned["strategy"] == PROBE
        assert not step.overrides


def test_probes_come_first_and_read_what_the_sample_recommends():
    scores = scored((SMALL, "top", 0.2), (SMALL, "joined", 0.3))
    planner = plan()
    steps = [planner.next(board(probe(1)), scores, 0.0) for _ in range(100)]
    assert all(not step.overrides and step.pinned["backbone=net/size"] == "32x32" for step in steps)
    stages = [step.pinned.get("stage") for step in steps]
    assert stages.count("top") > stages.count("joined") > 0
    assert 0 < stages.count(None) < 50  # now and then any stage


def test_a_size_that_was_not_read_is_never_pinned():
    planner = plan()
    assert all(planner.next(board(probe(1)), [], 0.0).pinned["backbone=net/size"] == "32x32" for _ in range(50))


@pytest.mark.parametrize("asked", [10, None])
def test_the_search_ends_early_only_where_no_number_of_trials_was_asked_for(asked):
    done = [probe(1, 0.9), *(probe(n, 0.8) for n in range(2, 2 + PATIENCE_TRIALS))]
    hopeless = [*done, tuned(100, 0.3, 1), tuned(101, 0.2, 3), tuned(102, 0.1, 5, seconds=30.0)]
    answer = plan(trials=asked, left=50.0, budget=100.0).next(board(*hopeless), [], 0.5)
    if asked:
        assert isinstance(answer, Step)
    else:
        assert answer == f"the last {PATIENCE_TRIALS} trials brought nothing better, and more would be unlikely to"


def test_the_search_ends_when_the_trials_or_the_time_are_used_up():
    assert plan(trials=7).next(board(probe(1)), [], 1.0) == "all 7 trials are done"
    planner = plan(Bench(costs={"logistic": 3.0}), left=2.0)
    assert planner.next(board(probe(1)), [], 0.0) == "the time is used up"


def test_a_head_that_cannot_end_in_time_is_not_chosen():
    heads = [Head(name, lambda *a: None) for name in ("logistic", "svm", "dense")]
    bench = Bench(costs={"logistic": 0.5, "svm": 1.0, "dense": 50.0})
    planner = plan(bench, left=100.0, within=space(*heads))
    chosen = {planner.next(board(probe(1)), [], 0.0).pinned[f"strategy={PROBE}/head"] for _ in range(60)}
    assert chosen == {"logistic", "svm"}
    planner = plan(Bench(costs={"logistic": 9.0, "svm": 1.0, "dense": 50.0}), left=5.0, within=space(*heads))
    chosen = {planner.next(board(probe(1)), [], 0.0).pinned[f"strategy={PROBE}/head"] for _ in range(60)}
    assert chosen == {"svm"}


def test_where_all_heads_are_cheap_any_of_them_may_be_drawn():
    heads = [Head(name, lambda *a: None) for name in ("logistic", "svm")]
    assert f"strategy={PROBE}/head" not in plan(within=space(*heads)).next(board(probe(1)), [], 0.0).pinned


def test_an_expensive_head_is_left_alone_but_an_unseen_one_may_cost_more():
    bench = Bench(costs={"logistic": 0.1, "dense": 8.0})
    planner = plan(bench, left=100.0)
    assert not planner.heads.is_cheap("dense")
    bench.seen.discard("dense")
    assert planner.heads.is_cheap("dense")


def test_the_only_head_is_tried_whatever_its_share_of_the_time():
    planner = plan(Bench(costs={"dense": 20.0}), left=60.0, within=space(Head("dense", lambda *a: None)))
    assert not planner.heads.is_cheap("dense")
    assert planner.heads.may_try("dense")
    assert planner.next(board(probe(1)), [], 0.0).pinned[f"strategy={PROBE}/head"] == "dense"
    planner = plan(Bench(costs={"dense": 20.0}), left=19.0, within=space(Head("dense", lambda *a: None)))
    assert planner.next(board(probe(1)), [], 0.0) == "the time is used up"


def test_recipes_alone_leave_the_head_to_be_drawn():
    planner = plan(within=space(Head("recipe", lambda *a: None, recipe=FIXED), tunable=()))
    step = planner.next(board(*SETTLED), scored((LARGE, "top", 0.1), (SMALL, "top", 0.9)), 0.0)
    assert not step.overrides
    assert f"strategy={PROBE}/head" not in step.pinned


def test_the_sample_decides_what_is_queued_first():
    scores = scored((LARGE, "top", 0.2), (SMALL, "joined", 0.3))
    heads = [Head(name, lambda *a: None) for name in ("logistic", "svm")]
    first, second, third = plan(within=space(*heads)).first_overrides(scores)
    assert first == {"strategy": PROBE, "head": "logistic", "backbone": "net", "size": "64x64"}
    assert second == {**first, "stage": "top", "pooling": "avg+max"}
    assert third == {"strategy": PROBE, "head": "svm", "backbone": "net", "size": "64x64"}


def test_a_larger_size_is_not_read_where_the_sample_gains_little_or_the_budget_does_not_allow_it():
    gains_little = scored((LARGE, "top", 0.295), (SMALL, "middle", 0.3), (SMALL, "joined", 0.31))
    gains_much = scored((LARGE, "top", 0.1), (SMALL, "middle", 0.3), (SMALL, "joined", 0.31))
    for planner, scores in ((plan(), gains_little), (plan(Bench(reading=60.0), left=100.0), gains_much)):
        queued = planner.first_overrides(scores)
        assert [(overrides["size"], overrides["stage"]) for overrides in queued] == [("32x32", "middle")]
    assert plan(Bench(reading=40.0), left=100.0).first_overrides(gains_much)[0]["size"] == "64x64"


def test_without_the_default_head_each_head_asked_for_is_queued():
    heads = [Head(name, lambda *a: None) for name in ("svm", "knn")]
    queued = plan(within=space(*heads, tunable=())).first_overrides(scored((LARGE, "top", 0.1), (SMALL, "top", 0.3)))
    assert [overrides["head"] for overrides in queued] == ["svm", "knn"]


def test_once_probes_have_settled_the_next_best_place_of_the_sample_is_read():
    scores = scored((LARGE, "top", 0.1), (SMALL, "top", 0.3))
    assert not plan().next(board(*SETTLED[:-1]), scores, 0.0).overrides
    overrides = plan().next(board(*SETTLED), scores, 0.0).overrides
    assert (overrides["strategy"], overrides["head"], overrides["size"]) == (PROBE, "logistic", "64x64")
    other = plan(within=space(Head("svm", lambda *a: None), tunable=())).next(board(*SETTLED), scores, 0.0)
    assert other.overrides["head"] == "svm"


def test_a_place_that_failed_or_cannot_be_afforded_or_promises_little_is_not_read():
    scores = scored((LARGE, "top", 0.1), (SMALL, "top", 0.3))
    failed = board(*SETTLED, probe(99, state="failed", size=LARGE))
    steps = [
        plan(strategy=PROBE).next(failed, scores, 0.0),
        plan(Bench(reading=60.0), left=100.0, budget=100.0, strategy=PROBE).next(board(*SETTLED), scores, 0.0),
        plan(strategy=PROBE).next(board(*SETTLED), scored((LARGE, "top", 0.295), (SMALL, "top", 0.3)), 0.0),
    ]
    assert [step.overrides for step in steps] == [{}, {}, {}]


@pytest.mark.parametrize(
    ("trials", "left", "share", "begins"),
    [
        ([probe(1, 0.9)], 90.0, 0.0, False),
        (SETTLED, 90.0, 0.0, True),
        ([probe(1, 0.9)], 49.0, 0.0, True),
        ([probe(1, 0.9)], 90.0, 0.5, True),
    ],
)
def test_fine_tuning_begins_when_probes_have_settled_or_half_of_the_time_or_trials_is_used(trials, left, share, begins):
    step = plan(left=left, budget=100.0).next(board(*trials), [], share)
    assert (step.overrides.get("strategy") == FINE_TUNE) == begins


def test_while_another_process_fine_tunes_this_one_probes():
    step = plan().next(board(*SETTLED), [], 0.5, others_tune=True)
    assert step.pinned["strategy"] == PROBE


def test_why_fine_tuning_was_not_tried_is_said():
    cases = [
        (plan(strategy=PROBE), "only linear probes were asked for"),
        (plan(within=space(tunable=())), "none of the heads can sit on a network that trains"),
        (
            plan(Bench(tuning=500.0), left=40.0, budget=100.0),
            "40 s were left, and fine-tuning may change accuracy by +0.020 (80 %: -0.025 to +0.065) for about 506 s",
        ),
        (plan(within=space(names=("other",))), "no probe has completed that it could start from"),
    ]
    for planner, reason in cases:
        assert planner.next(board(*SETTLED), [], 0.5).pinned["strategy"] == PROBE
        assert planner.why_no_fine_tuning == reason


def test_why_nothing_can_be_fine_tuned_is_known_before_anything_is_planned():
    """As after a resume, when nothing is left to be planned."""
    encoder = Encoder("small", small_graph, ((32, 32),))
    frozen = replace(space(tunable=()), backbones={"small": encoder})
    assert plan(within=frozen).why_no_fine_tuning == "encoders are frozen, and no other backbone takes part"
    assert plan(strategy=PROBE).why_no_fine_tuning == "only linear probes were asked for"
    assert plan().why_no_fine_tuning == "the search ended before its turn came"


def test_where_only_fine_tuning_was_asked_for_nothing_else_is_done_and_its_end_has_a_reason():
    assert plan(strategy=FINE_TUNE).first_overrides(scored((LARGE, "top", 0.1))) == []
    assert plan(strategy=FINE_TUNE).next(board(probe(1, 0.5)), [], 0.0).overrides["trainable_stages"] == 1
    ended = board(probe(1, 0.7), tuned(2, 0.6, 1), tuned(3, 0.55, 3), tuned(4, 0.59, 5))
    assert plan(strategy=FINE_TUNE).next(ended, [], 0.0) == Step(pinned={"strategy": FINE_TUNE})
    late = plan(strategy=FINE_TUNE, left=5.0).next(ended, [], 0.0)
    assert late == "the last 2 fine-tune trials brought nothing better"
    assert "no probe has completed" in plan(strategy=FINE_TUNE).next(board(), [], 0.0)
    slow = plan(Bench(tuning=500.0), left=40.0, strategy=FINE_TUNE)
    first = slow.next(board(probe(1)), [], 0.0)
    assert first.message.startswith(
        "fine-tuning was asked for, so it is run once, though 40 s are left: fine-tuning may"
    )


def test_an_ensemble_is_neither_a_probe_to_settle_on_nor_one_to_fine_tune():
    mixed = TrialRecord(50, "complete", ENSEMBLE, read(stage="", pooling=""), ENSEMBLE, score=ScoreInterval(0.99))
    overrides = plan().next(board(probe(1, 0.9), mixed), [], 0.5).overrides
    assert (overrides["stage"], overrides["head"]) == ("joined", "logistic")


def test_each_part_of_a_joined_default_is_owed_a_trial_alone_and_queued_before_anything_else():
    image, text = Encoder("image", small_graph, (SMALL,)), Encoder("text", small_graph, ((1, 8),))
    both = Joined("image+text", "pair", (image, text), image.sizes)
    within = replace(space(tunable=()), backbones={one.name: one for one in (both, image, text)})
    planner = plan(within=within)
    assert [one["backbone"] for one in planner.first_overrides([])][:2] == ["image", "text"]
    alone = Candidate(PROBE, text, read(), LOGISTIC)
    assert planner.is_owed(alone, board(probe(1)))
    tried = replace(probe(2), reading=replace(read(), backbone="text"))
    assert not planner.is_owed(alone, board(probe(1), tried))
    assert not planner.is_owed(replace(alone, backbone=both), board(probe(1)))


def test_what_stands_on_every_board_is_tried_when_the_time_is_used_up_if_it_is_quick():
    image, text = Encoder("image", small_graph, (SMALL,)), Encoder("text", small_graph, ((1, 8),))
    both = Joined("image+text", "pair", (image, text), image.sizes)
    within = replace(space(tunable=()), backbones={one.name: one for one in (both, image, text)})
    read_before = [("image", SMALL), ("text", (1, 8))]
    quick, slow = (Bench(costs={"logistic": seconds}, read=read_before) for seconds in (2.0, 60.0))
    for waiting in ((), ("logistic",)):
        step = plan(quick, left=-1.0, within=within).next(board(probe(1)), [], 0.0, begun=waiting)
        assert step.overrides["backbone"] == "image"
    assert plan(slow, left=-1.0, within=within).next(board(probe(1)), [], 0.0) == "the time is used up"
    # While there is time, those that are queued come by themselves.
    assert not plan(quick, left=100.0, within=within).next(board(probe(1)), [], 0.0, begun=["logistic"]).overrides


def test_word_counts_are_queued_with_a_head_that_takes_part_and_not_with_a_recipe():
    counts = WordCounts("tfidf")
    recipe, svm = Head("recipe", lambda *a: None, recipe=FIXED), Head("svm", lambda *a: None)
    for heads, expected in (([recipe], []), ([svm, recipe], ["svm"])):
        within = space(*heads, tunable=())
        queued = plan(within=replace(within, backbones={**within.backbones, "tfidf": counts})).first_overrides([])
        assert [one["head"] for one in queued if one.get("backbone") == "tfidf"] == expected
