"""One network for all targets: its scores, and its paired differences to the champion of each target."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from verify_documents import DamagedError, pointer


def check_joint(study: Any) -> None:
    """Compare what is said of the network, from its calibrated predictions in the folder joint."""
    for name, stated in study.joint.items():
        target, address = study.targets[name].folder, f"run.json#/joint/targets{pointer(name)}"
        run, objective = open_target(target, study.targets[name])
        folder = f"../../joint/{target.name}"
        answers = run.arrays(f"{folder}/search.npz")
        study.ledger.expect_interval(f"{address}/search", run.measured(objective, answers, 0))
        shared = np.intersect1d(answers["items"], run.searched["items"])
        study.ledger.expect(f"{address}/verdict/n_items", len(shared))
        both = (restricted(run.searched, shared), restricted(answers, shared))
        study.ledger.expect_interval(f"{address}/verdict", run.differences(*both))
        if stated["test"]:
            tested = run.arrays(f"{folder}/test.npz")
            study.ledger.expect_interval(f"{address}/test", run.measured(objective, tested, 0))
            study.ledger.expect_interval(f"{address}/verdict/test", run.differences(run.tested, tested))


def open_target(folder: Path, ledger: Any) -> tuple[Any, str]:
    """The contents of a target's run folder, by its own verify.py, and its objective."""
    spec = importlib.util.spec_from_file_location("verify_target", folder / "verify.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SystemExit as error:
        raise DamagedError(f"{folder.name}/verify.py", "a part is missing", "a program that can be loaded") from error
    run = module.Run(ledger)
    return run, run.objective


def restricted(found: Any, items: np.ndarray) -> dict[str, np.ndarray]:
    """The predictions for these items, in their order."""
    order = np.argsort(found["items"])
    rows = order[np.searchsorted(found["items"], items, sorter=order)]
    return {name: found[name][rows] for name in ("items", "labels", "probabilities")}
