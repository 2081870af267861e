"""The search space, and how one point of it becomes a head."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
from keras_tuner import HyperParameters

from autotl.errors import ConfigError
from autotl.interfaces import Backbone, Head, Recipe
from autotl.search.heads import build_head, head_params
from autotl.search.hyperparameters import OptunaHyperParameters, defaults, fixed_hyperparameters
from autotl.search.remote_heads import Traits
from autotl.search.space import Space, choose_heads, default_head
from autotl.trial import FINE_TUNE, POOLINGS, PROBE, STAGES, Candidate, Reading, Training
from autotl_plugins.heads import recipes


def backbone(name, *sizes):
    return Backbone(name, build=lambda h, w: None, weights=lambda download: None, sizes=sizes)


def head(name, build=lambda hp, n_features, n_classes: None, **options):
    return Head(name, build, **options)


LARGE, SMALL = backbone("large", (96, 96), (128, 160)), backbone("small", (32, 32))


ELSEWHERE = {name: backbone(name, (224, 224)) for name in ("elsewhere", "resnet50", "vgg16")}


def space(*heads, networks=(), backbones=(LARGE, SMALL)):
    chosen = {h.name: h for h in heads}
    return Space({b.name: b for b in backbones}, chosen, heads[0], tuple(networks), recipe_backbones=ELSEWHERE)


def draw(space, n=40, seed=0):
    """Candidates of n random trials, with the hyperparameters that gave them."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    drawn = []
    for _ in range(n):
        hp = OptunaHyperParameters(study.ask())
        drawn.append((space.sample_with_head(hp), hp))
    return drawn


def test_the_default_is_the_first_of_everything():
    first, second = head("first"), head("second")
    made = space(first, second, networks=["second"])
    expected = Candidate(PROBE, LARGE, Reading("large", (96, 96), STAGES[0], POOLINGS[0]), first)
    assert made.sample(HyperParameters()) == made.default() == expected


def test_without_a_network_head_nothing_is_fine_tuned():
    assert space(head("a")).strategies == (PROBE,)
    assert space(head("a"), networks=["a"]).strategies == (PROBE, FINE_TUNE)


def test_sizes_belong_to_their_backbone_and_fine_tuning_takes_network_heads_only():
    drawn = [c for c, _ in draw(space(head("svm"), head("dense"), networks=["dense"]))]
    assert {c.reading.place for c in drawn} == {("large", (96, 96)), ("large", (128, 160)), ("small", (32, 32))}
    assert {c.head.name for c in drawn if c.strategy == PROBE} == {"svm", "dense"}
    assert {c.head.name for c in drawn if c.strategy == FINE_TUNE} == {"dense"}
    assert {c.reading.stage for c in drawn} == set(STAGES)
    assert {c.reading.pooling for c in drawn} == set(POOLINGS)
    for candidate in drawn:
        assert (candidate.training is not None) == (candidate.strategy == FINE_TUNE)


def test_how_to_train_is_asked_only_of_those_who_train():
    for candidate, hp in draw(space(head("dense"), networks=["dense"])):
        asked = any("learning_rate" in key for key in hp.optuna_params)
        assert asked == (candidate.strategy == FINE_TUNE)
        if candidate.training:
            assert 1 <= candidate.training.trainable_stages <= 6
            assert 1e-5 <= candidate.training.learning_rate <= 3e-3
            assert 1e-6 <= candidate.training.weight_decay <= 1e-2


def with_c(low, high, kind="Float"):
    return lambda hp, n_features, n_classes: getattr(hp, kind)("C", low, high)


def test_two_heads_may_use_one_parameter_name_with_other_ranges_and_types():
    both = space(head("a", with_c(0.1, 0.2)), head("b", with_c(5, 9, "Int")))
    drawn = draw(both)
    assert {c.head.name for c, _ in drawn} == {"a", "b"}
    for candidate, hp in drawn:
        [(name, value)] = head_params(hp, candidate.head.name).items()
        assert name == f"{candidate.head.name}/C"
        assert (0.1 <= value <= 0.2) if candidate.head.name == "a" else value in range(5, 10)


def test_a_head_whose_name_begins_like_anothers_keeps_its_own_parameters():
    both = space(head("svm", with_c(0.0, 1.0)), head("svm-rbf", with_c(2.0, 3.0)))
    hp = HyperParameters()
    for name in ("svm", "svm-rbf"):
        build_head(both.heads[name], hp, 4, 2)
    assert head_params(hp, "svm") == {"svm/C": 0.0}
    assert head_params(hp, "svm-rbf") == {"svm-rbf/C": 2.0}


@pytest.mark.parametrize("name", ["logistic", "rbf-svm", "random-forest", "dense"])
def test_recorded_parameters_build_the_same_head_again(plugins, name):
    chosen = plugins.all(Head)[name]
    for _, hp in draw(space(chosen, networks=[name] if name == "dense" else ()), n=3):
        built = build_head(chosen, hp, 8, 3)
        again = build_head(chosen, fixed_hyperparameters(head_params(hp, name)), 8, 3)
        assert described(again) == described(built)


def described(built):
    """A head in words, without the names and addresses that are made anew each time."""
    from autotl.training.classifiers import is_network

    if is_network(built):
        return [{k: v for k, v in layer.get_config().items() if k != "name"} for layer in built.layers]
    return re.sub(r" at 0x\w+", "", repr(built))


def test_recorded_parameters_survive_json():
    import json

    asked = head(
        "h", lambda hp, n, k: (hp.Int("n", 1, 9), hp.Float("f", 0.0, 1.0), hp.Boolean("b"), hp.Choice("c", ["x"]))
    )
    [(_, hp)] = draw(space(asked), n=1)
    recorded = head_params(hp, "h")
    assert json.loads(json.dumps(recorded)) == recorded
    assert build_head(asked, fixed_hyperparameters(recorded), 4, 2) == tuple(recorded.values())


RECIPE = Recipe(strategy=PROBE, backbone="elsewhere", size=(224, 178), stage="top-1", pooling="max")


def test_a_recipe_overrides_what_it_fixes_and_leaves_the_rest_to_the_search():
    chosen = head("recipe", recipe=RECIPE)
    found = space(chosen).sample(HyperParameters())
    reading = Reading("elsewhere", (224, 178), "top-1", "max")
    assert found == Candidate(PROBE, ELSEWHERE["elsewhere"], reading, chosen)
    open_recipe = Recipe(pooling="avg")
    drawn = [c for c, _ in draw(space(head("recipe", recipe=open_recipe)))]
    assert {c.reading.pooling for c in drawn} == {"avg"}
    assert {c.reading.stage for c in drawn} == set(STAGES)


def test_a_fine_tuned_recipe_trains_as_deep_as_published_whatever_was_drawn():
    deep = head("recipe", recipe=Recipe(strategy=FINE_TUNE, trainable_stages=3))
    for candidate, _ in draw(space(deep, networks=["recipe"])):
        assert candidate.strategy == FINE_TUNE
        assert candidate.training.trainable_stages == 3


def test_a_probe_recipe_trains_nothing_even_where_fine_tuning_was_drawn():
    probe = head("recipe", recipe=Recipe(strategy=PROBE, trainable_stages=0))
    for candidate, _ in draw(space(probe, networks=["recipe"])):
        assert (candidate.strategy, candidate.training) == (PROBE, None)


def test_the_published_recipes_become_the_published_candidates():
    dense512, dense128 = recipes.register_heads()
    published = space(dense512, dense128, networks=["vgg16-dense128"])
    found = published.sample(fixed_hyperparameters({"head": "resnet50-gap-dense512"}))
    reading = Reading("resnet50", (224, 224), "top", "avg")
    assert found == Candidate(PROBE, ELSEWHERE["resnet50"], reading, dense512)
    found = published.sample(fixed_hyperparameters({"strategy": FINE_TUNE, "head": "vgg16-dense128"}))
    assert found.reading == Reading("vgg16", (218, 178), "top", "avg")
    assert found.backbone == ELSEWHERE["vgg16"]
    assert found.training == Training(1, pytest.approx(5e-4), pytest.approx(1e-4), augment=True)


def test_every_built_in_head_can_be_drawn_with_its_parameters(plugins):
    chosen = {name: h for name, h in plugins.all(Head).items() if h.recipe is None}
    made = Space({"small": SMALL}, chosen, chosen["logistic"], ("dense",))
    drawn = draw(made, n=60)
    assert {c.head.name for c, _ in drawn} == set(chosen)
    for name in chosen:
        assert defaults(made.sample_with_head, values={"head": name})


def test_heads_asked_for_by_name_take_part_whatever_they_are():
    heads = {h.name: h for h in (head("a"), head("slow", max_items=10), head("recipe", recipe=RECIPE))}
    assert list(choose_heads(heads, ["recipe", "slow"], 100)) == ["recipe", "slow"]


def test_otherwise_recipes_and_slow_heads_stay_out():
    heads = {h.name: h for h in (head("a"), head("slow", max_items=10), head("recipe", recipe=RECIPE))}
    assert list(choose_heads(heads, [], 10)) == ["a", "slow"]
    assert list(choose_heads(heads, [], 11)) == ["a"]
    with pytest.raises(ConfigError, match=r"no head is left for 11 training items: all of slow.*--heads"):
        choose_heads({"slow": heads["slow"]}, [], 11)


def test_the_default_head_is_the_logistic_one_at_its_own_default(plugins):
    built = build_head(plugins.all(Head)["logistic"], fixed_hyperparameters({}), 8, 3)
    assert np.isclose(built.C, 0.01)


def test_without_the_logistic_head_the_default_is_one_that_is_fitted_fast():
    """A network first, as the alphabet has it, would screen the readings for minutes."""

    offered = [head("dense"), head("forest"), head("knn", on_components=True)]
    plugins = SimpleNamespace(all=lambda kind: {head.name: head for head in offered})
    assert default_head(plugins, lambda head: Traits(network=head.name == "dense")).name == "knn"
    offered.pop()
    assert default_head(plugins, lambda head: Traits(network=head.name == "dense")).name == "forest"
    offered.pop()
    assert default_head(plugins, lambda head: Traits(network=True)).name == "dense"


def test_a_recipe_for_another_kind_of_item_is_refused(plugins):
    from autotl.search.space import _require_modality

    heads = {"glove-forest": plugins.all(Head)["glove-forest"]}
    sources = {"glove-6b-50d": SimpleNamespace(name="glove-6b-50d", modality="text")}
    _require_modality(heads, sources, "text")
    with pytest.raises(
        ConfigError, match="the recipe 'glove-forest' reads texts with glove-6b-50d, and the data hold images"
    ):
        _require_modality(heads, sources, "image")
