"""The evidence a version of a registered model came with: read, kept small, and compared."""

from __future__ import annotations

from collections.abc import Mapping

from autotl.interfaces import UNDEFINED, ScoreInterval, VersionEvidence

_FACTS = ("advice", "strategy", "backbone", "head", "objective", "fingerprint", "test_fingerprint", "n_items", "run")


def registry_summary(metadata: Mapping[str, object]) -> dict[str, object]:
    """Of a deployable's metadata.json what `evidence_of` reads, small enough to stand beside a model's name."""
    kept: dict[str, object] = {name: metadata[name] for name in _FACTS if metadata.get(name)}
    for part in ("test", "search"):
        scores, objective = metadata.get(part), str(metadata.get("objective"))
        if isinstance(scores, Mapping) and objective in scores:
            kept[part] = {objective: scores[objective]}
    verdict = metadata.get("verdict")
    if isinstance(verdict, Mapping):
        told = {name: said.get("claim") for name, said in verdict.items() if isinstance(said, Mapping)}
        kept["verdict"] = {name: {"claim": claim} for name, claim in told.items() if claim}
    if targets := _targets(metadata):
        kept["targets"] = {name: registry_summary(facts) for name, facts in targets.items()}
    return kept


def evidence_of(metadata: object) -> VersionEvidence:
    """The evidence in a deployable's metadata.json or in its summary; what is missing or odd is left empty."""
    if not isinstance(metadata, Mapping):
        return VersionEvidence()
    texts = {
        name: value
        for name in _FACTS
        if name not in ("n_items", "advice") and isinstance(value := metadata.get(name), str)
    }
    n_items, verdict = metadata.get("n_items"), metadata.get("verdict")
    claims = verdict.values() if isinstance(verdict, Mapping) else ()
    advice = metadata.get("advice")
    return VersionEvidence(
        test=_measured(metadata, "test"),
        search=_measured(metadata, "search"),
        claims=(advice,)
        if isinstance(advice, str) and advice
        else tuple(str(said["claim"]) for said in claims if isinstance(said, Mapping) and said.get("claim")),
        n_items={str(part): n for part, n in n_items.items() if isinstance(n, int)}
        if isinstance(n_items, Mapping)
        else {},
        targets={name: evidence_of(facts) for name, facts in _targets(metadata).items()},
        **texts,
    )


def _targets(metadata: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    """What metadata.json says of each of several targets; empty for a model of one."""
    targets = metadata.get("targets")
    if not isinstance(targets, Mapping):
        return {}
    return {str(name): facts for name, facts in targets.items() if isinstance(facts, Mapping)}


def caveats(models: Mapping[str, VersionEvidence]) -> tuple[str, ...]:
    """Why the test scores of models cannot be compared, one sentence each; empty where they can.

    models: by what people call them. That they learned from different data is what is compared, and no caveat.
    """
    for name, evidence in models.items():
        if not evidence.test.is_defined:
            return (f"there is no test score of {name}",)
    found = []
    if len({one.objective for one in models.values()}) > 1:
        aims = ", ".join(f"{name} at {one.objective}" for name, one in models.items())
        found.append(f"they aimed at different scores: {aims}")
    tests = {one.test_fingerprint for one in models.values()}
    if "" not in tests:
        if len(tests) > 1:
            found.append("they were not tested on the same items and labels, so one may have had the easier test")
    elif learned_from_different_data(models):
        found.append("their data differ, so they were probably tested on different items")
    else:
        found.append("whether they were tested on the same items was not written down")
    return tuple(found)


def learned_from_different_data(models: Mapping[str, VersionEvidence]) -> bool:
    """Whether the data that models were made of, test included, differ in images or labels."""
    return len({one.fingerprint for one in models.values()}) > 1


def _measured(metadata: Mapping[str, object], part: str) -> ScoreInterval:
    scores = metadata.get(part)
    score = scores.get(str(metadata.get("objective"))) if isinstance(scores, Mapping) else None
    return ScoreInterval.from_json(score) if isinstance(score, Mapping) else UNDEFINED
