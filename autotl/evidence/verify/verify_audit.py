"""The subgroup audit: rates of each group with their intervals, and the differences between groups."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
from verify_comparisons import ClassRates, Compared, compare, metric_names
from verify_intervals import Interval, proportion, score_interval
from verify_measures import TABLES, Measures, measures_of
from verify_scores import Predictions, of_items
from verify_targets import is_classes

FEWEST, MOST_VALUES = 10, 30
"""Smaller groups are not evaluated; an attribute with more values is not audited."""


def check_audit(run: Any) -> None:
    """Compare all of /audit in the result: groups, rates, claims, gaps and the gate."""
    found, ledger = run.result.get("audit"), run.ledger
    if not found:
        return
    unseen = unseen_answers(run.searched, run.tested)
    clusters, everyone = of_items(run.clusters, unseen), np.ones(len(unseen["items"]), bool)
    for name, n in (("search", len(unseen["items"]) - len(run.tested["items"])), ("test", len(run.tested["items"]))):
        ledger.expect(f"/audit/n_items/{name}", n)
    names = [*found["attributes"], *found["not_auditable"]]
    columns = {name: run.items[f"attribute.{name}"][unseen["items"]] for name in names}
    n_values = {name: len(set(column.tolist()) - {""}) for name, column in columns.items()}
    for name in found["not_auditable"]:
        ledger.expect(f"/audit/not_auditable{run.pointer(name)}", n_values[name])
        ledger.expect_true(
            f"/audit/not_auditable{run.pointer(name)}", not 2 <= n_values[name] <= MOST_VALUES, "few values"
        )
    groups = dict(subgroups({name: columns[name] for name in found["attributes"]}))
    members = {name: rows for name, (rows, _) in groups.items()}
    large = [name for name, rows in members.items() if rows.sum() >= FEWEST]
    ledger.expect_true("/audit/groups", [one["group"] for one in found["groups"]] == large, f"the groups {large}")
    small = {name: int(rows.sum()) for name, rows in members.items() if rows.sum() < FEWEST}
    ledger.expect("/audit/too_small", small)
    ledger.covered.update(f"run.json#/result/audit/too_small{run.pointer(name)}" for name in small)
    measures = None if is_classes(unseen["labels"]) else measures_of(run, unseen)

    def check_rates(address: str, stated: Any, rows: np.ndarray, by_class: bool) -> None:
        own = (
            measures.intervals(rows, clusters, by_class=by_class) if measures
            else dict(_rates(unseen, run.classes, clusters, rows, by_class))
        )  # fmt: skip
        _check_rates(run, address, stated, own)

    check_rates("/audit/overall", found["overall"], everyone, True)
    for number, one in enumerate(found["groups"]):
        rows, by_class = groups[one["group"]]
        address = f"/audit/groups/{number}"
        ledger.expect(f"{address}/n_items", int(rows.sum()))
        check_rates(f"{address}/rates", one["rates"], rows, by_class)
    lacking = {name: FEWEST - n for name, n in small.items() if groups[name][1]}
    _check_comparisons(run, found, unseen, measures, {name: groups[name][0] for name in large}, clusters, lacking)


def _check_comparisons(
    run: Any,
    found: Any,
    unseen: Predictions,
    measures: Measures | None,
    groups: Mapping[str, np.ndarray],
    clusters: np.ndarray | None,
    lacking: dict[str, int],
) -> None:
    """Claims, the largest gap, and the gate, by repeating the resamples with the run's seed."""
    ledger, names, rates = run.ledger, list(groups), measures.names if measures else metric_names(run.classes)
    error = rates[0] if measures else "error"
    families: dict[tuple[str, ...], list[int]] = {}
    for number, name in enumerate(names):
        families.setdefault(_attributes_of(name, found["attributes"]), []).append(number)
    rows = np.array(list(groups.values())).reshape(len(names), len(unseen["labels"]))
    table = measures or ClassRates(unseen)
    deviations, gaps, effects = compare(table, rows, list(families.values()), clusters, run.seed)
    intervals = {place: deviations.interval(place) for place in deviations.values}
    sure = {(names[p[0]], rates[p[1]]): p for p, (_, low, high) in intervals.items() if low > 0 or high < 0}
    ledger.expect("/audit/n_compared", len(intervals))
    stated = [(claim["group"], claim["rate"]) for claim in found["claims"]]
    ledger.expect_true("/audit/claims", sorted(stated) == sorted(sure), f"{len(sure)} claims: {sorted(sure)}")
    for number, place in ((number, sure[claim]) for number, claim in enumerate(stated) if claim in sure):
        ledger.expect(f"/audit/claims/{number}/p_value", deviations.p_value(place))
        ledger.expect_interval(f"/audit/claims/{number}/value", [intervals[place]])
    _check_panel(run, found, {(names[p[0]], rates[p[1]]): one for p, one in intervals.items()}, error)
    single = {number for own, members in families.items() if len(own) == 1 for number in members}
    errors = [place for place in gaps.values if rates[place[2]] == error and place[0] in single]
    if errors and found["worst"]:
        worst = max(errors, key=lambda place: abs(gaps.values[place]))
        _check_gap(run, "/audit/worst", gaps, worst, names, rates)
        family = next(own for own in families.values() if worst[0] in own)
        own = rows[family], effects[family, rates.index(error)], run.seed
        ranges = measures.ranges_if_equal(*own) if measures else _ranges_if_equal(unseen, *own)
        ledger.expect("/audit/worst/if_equal", float(ranges.mean()))
        ledger.expect("/audit/worst/if_equal_high", float(np.quantile(ranges, 0.95)))
    if found["gate"]:
        _check_gate(run, found["gate"], gaps, names, rates, rows, lacking)


def _ranges_if_equal(unseen: Predictions, rows: np.ndarray, effects: np.ndarray, seed: int) -> np.ndarray:
    """The largest gap in the share of wrong answers between equal groups, in each of 2000 simulations."""
    mistakes = unseen["probabilities"].argmax(axis=1) != unseen["labels"]
    n, wrong = rows.sum(axis=1), (rows & mistakes).sum()
    share, n = wrong / n.sum(), np.maximum(np.rint(n / effects), 1).astype(int)
    return np.asarray(np.ptp(np.random.default_rng(seed).binomial(n, share, size=(2000, len(n))) / n, axis=1))


def _check_panel(run: Any, found: Any, deviations: Mapping[tuple[str, str], Interval], main: str) -> None:
    """Compare the panel with /audit, and with how each group deviates from all images. main: the error's name."""
    groups, kinds = found["groups"], ("recall", "precision", "selection rate")
    everyone = [{"group": "all images", "n_items": sum(found["n_items"].values()), "rates": found["overall"]}, *groups]
    for address, part in run.panel("subgroups"):
        rows: list[list[Any]] = []
        if part["title"] == "Error and calibration by group":
            for one in everyone:
                error, calibration = _cells(one["rates"].get("error")), _cells(one["rates"].get("calibration"))
                rows.append([one["n_items"], *error, *_cells(deviations.get((one["group"], "error"))), *calibration])
        elif part["title"] in TABLES:
            rate = TABLES[part["title"]]
            for one in everyone:
                own = _cells(one["rates"].get(rate)), _cells(deviations.get((one["group"], rate)))
                rows.append([one["n_items"], *own[0], *own[1]])
        elif part["title"] == "Recall by group and label":
            for one in everyone:
                for name in (name for name in run.classes if f"recall[{name}]" in one["rates"]):
                    rows.append([name, *_cells(one["rates"][f"recall[{name}]"])])
        elif part["title"].startswith("Recall, precision"):
            for one in everyone:
                for name in (name for name in run.classes if f"selection rate[{name}]" in one["rates"]):
                    rows.append([name, *(c for kind in kinds for c in _cells(one["rates"].get(f"{kind}[{name}]")))])
        elif part["title"] == "Where groups differ from all images":
            rows = [[claim["rate"], *_cells(claim["value"]), claim["p_value"]] for claim in found["claims"]]
        elif part["title"] == "Error by group":
            layers = f"{address}/spec/layer"
            run.ledger.expect(f"{layers}/0/data/values/0/error", found["overall"][main]["value"])
            for number, one in enumerate(groups[:40]):
                for layer in (1, 2):
                    values = f"{layers}/{layer}/data/values/{number}"
                    run.ledger.expect(f"{values}/images", one["n_items"])
                    for name, value in one["rates"][main].items():
                        run.ledger.expect(f"{values}/{name}", value)
        for number, row in enumerate(rows[: len(part.get("rows", ()))]):
            for column, value in enumerate(row, 1):
                run.ledger.expect(f"{address}/rows/{number}/{column}", value)


def _cells(rate: Any) -> list[float]:
    """Value and ends as a table prints them."""
    if rate is None:
        return [math.nan] * 3
    numbers = rate.values() if isinstance(rate, dict) else rate
    return [math.nan if number is None else round(number, 4) for number in numbers]


def _check_gate(
    run: Any, gate: Any, gaps: Compared, names: list[str], rates: list[str], rows: np.ndarray, lacking: dict[str, int]
) -> None:
    most, ends = gate["max_gap"], {place: gaps.interval(place) for place in gaps.values}
    run.ledger.covered.add("run.json#/result/audit/gate/max_gap")
    run.ledger.expect_true("/audit/gate/lacking", gate["lacking"].keys() == lacking.keys(), f"{lacking}")
    for name, n in lacking.items():
        run.ledger.expect(f"/audit/gate/lacking{run.pointer(name)}", n)
    if not ends:
        run.ledger.expect("/audit/gate/status", "undecided")
        return
    at_least = {place: max(low, -high) for place, (_, low, high) in ends.items()}
    at_most = {place: max(high, -low) for place, (_, low, high) in ends.items()}
    lowest, widest = max(at_least, key=at_least.__getitem__), max(at_most, key=at_most.__getitem__)
    within = at_most[widest] <= most and not lacking  # an attribute value that could not be compared leaves it open
    status = "fail" if at_least[lowest] > most else "pass" if within else "undecided"
    run.ledger.expect("/audit/gate/status", status)
    _check_gap(run, "/audit/gate/gap", gaps, lowest if status == "fail" else widest, names, rates)
    for name in ("if_equal", "if_equal_high"):  # given for the largest gap in error only
        run.ledger.expect(f"/audit/gate/gap/{name}", 0.0)
    needed = np.zeros(len(names))
    for place in (place for place in ends if status == "undecided" and at_most[place] > most):
        gap, error = gaps.values[place], gaps.errors[place]
        shrunk = abs(gap) * max(0, 1 - 1 / max((gap / error) ** 2, 1e-12))  # shrunk towards 0 by the share of noise
        wanted = abs(most - shrunk) / (gaps.quantile(0.95) + gaps.quantile(0.8))
        for group in place[:2]:
            times = max((error / wanted) ** 2, 1) if wanted else math.inf
            needed[group] = max(needed[group], rows[group].sum() * (times - 1))
    more = {names[i]: math.ceil(min(needed[i], 100_000)) for i in range(len(names)) if needed[i] > 0}
    run.ledger.expect_true("/audit/gate/needed", gate["needed"].keys() == more.keys(), f"{more}")
    for name, n in more.items():
        run.ledger.expect(f"/audit/gate/needed{run.pointer(name)}", n)


def _check_gap(
    run: Any, address: str, gaps: Compared, place: tuple[int, ...], names: list[str], rates: list[str]
) -> None:  # fmt: skip
    value, low, high = gaps.interval(place)
    first, second, metric = place
    is_error, is_share = rates[metric] in ("error", "mean absolute error"), rates[metric] != "mean absolute error"
    worse, better = (first, second) if (value > 0) == is_error else (second, first)
    value, low, high = (-value, -high, -low) if value < 0 else (value, low, high)
    for name, expected in (("rate", rates[metric]), ("worse", names[worse]), ("better", names[better])):
        run.ledger.expect(f"{address}/{name}", expected)
    run.ledger.expect_interval(f"{address}/value", [(value, max(0.0, low), min(1.0, high) if is_share else high)])


def _attributes_of(group: str, attributes: list[str]) -> tuple[str, ...]:
    """The attribute, or pair of attributes, that defines a group."""
    return tuple(name for name in attributes if group.startswith(f"{name}=") or f", {name}=" in group)


def unseen_answers(searched: Predictions, tested: Predictions) -> Predictions:
    """The answers of the search and of the test together, each item once."""
    others = ~np.isin(searched["items"], tested["items"])
    return {
        name: np.concatenate([searched[name][others], tested[name]]) for name in ("items", "labels", "probabilities")
    }


def subgroups(columns: Mapping[str, np.ndarray]) -> Iterator[tuple[str, tuple[np.ndarray, bool]]]:
    """Name and members of the groups of each attribute and each pair of them, and whether it is of one attribute."""
    single = {
        name: {f"{name}={value}": column == value for value in sorted(set(column.tolist()) - {""})}
        for name, column in columns.items()
    }
    for own in single.values():
        yield from ((name, (rows, True)) for name, rows in own.items())
    for first, second in combinations(single.values(), 2):
        for a, of_a in first.items():
            for b, of_b in second.items():
                if 0 < (of_a & of_b).sum() < min(of_a.sum(), of_b.sum()):
                    yield f"{a}, {b}", (of_a & of_b, False)


def _check_rates(run: Any, address: str, stated: Any, intervals: Mapping[str, Interval]) -> None:
    run.ledger.expect_true(address, set(stated) == set(intervals), f"the rates {sorted(intervals)}")
    for name, interval in intervals.items():
        run.ledger.expect_interval(address + run.pointer(name), [interval])


def _rates(
    unseen: Predictions, classes: list[str], clusters: np.ndarray | None, rows: np.ndarray, by_class: bool
) -> Iterator[tuple[str, Interval]]:
    labels, probabilities = unseen["labels"][rows], unseen["probabilities"][rows]
    own = None if clusters is None else clusters[rows]
    for name, hits, among in _shares(labels, probabilities.argmax(axis=1), classes if by_class else []):
        if among.any():
            yield name, proportion(hits[among], None if own is None else own[among])
    yield (
        "calibration",
        score_interval(_excess, labels, (probabilities,), own, seed=0, bounds=None, by_class=False, max_calls=300),
    )


def _shares(
    labels: np.ndarray, predicted: np.ndarray, classes: list[str]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name of each share, what it counts, and among which items."""
    everything = np.ones(len(labels), bool)
    yield "error", labels != predicted, everything
    for k, name in enumerate(classes):
        yield f"recall[{name}]", predicted == k, labels == k
        yield f"precision[{name}]", labels == k, predicted == k
        yield f"selection rate[{name}]", predicted == k, everything


def _excess(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean confidence minus accuracy."""
    return float((probabilities.max(axis=1) - (probabilities.argmax(axis=1) == labels)).mean())
