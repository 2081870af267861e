"""Does the check for wrong labels find those that were flipped? Digits, 5 % flipped, through `autotl check`.

The flipped are given a wrong class at random; the probe is the untuned default. Also the false alarms on the digits as
they are. Prints a table and a JSON line. Usage: bench_label_errors.py [N_SEEDS] [SHARE_FLIPPED]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np

TENTH = 0.10


def main() -> None:
    """Survey the digits as they are, then with labels flipped, once for each seed."""
    n_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    share = float(sys.argv[2]) if len(sys.argv) > 2 else 0.05
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed, flipped_share in [(0, 0.0), *((seed, share) for seed in range(n_seeds))]:
            result = _measured(Path(scratch), seed, flipped_share)
            results.append(result)
            print("  ".join(f"{name} {value:.4g}" for name, value in result.items()), flush=True)
    print(json.dumps(results))


def _measured(scratch: Path, seed: int, share: float) -> dict[str, float]:
    from autotl.plugins import load_plugins
    from autotl.runs.config import Config
    from autotl.settings import Settings
    from autotl.workflows import check
    from autotl_plugins.checks.label_errors import _n_contradicted, review_order

    data = scratch / f"digits-{seed}-{share}"
    flipped = _write(data, np.random.default_rng(seed), share)
    config = Config(data=data, run=scratch / "unused", seed=seed)
    # The finding lists the most doubtful items only; the probe tells the order of all.
    with mock.patch.object(check, "run_checks", wraps=check.run_checks) as checks:
        found = check.check_data(config, plugins=load_plugins(), settings=Settings(cache=scratch / "cache"))
    dataset, _, probe = checks.call_args.args
    paths = dataset.items["path"].to_numpy()[probe.items[review_order(probe.labels, probe.probabilities)]]
    listed = [item for finding in found.findings if finding.check == "label-errors" for item in finding.items]
    right = (probe.probabilities.argmax(1) == probe.labels).mean()
    result = {"seed": seed, "flipped": len(flipped), "model_agrees": right}
    result["contradicted"] = _n_contradicted(probe.labels, probe.probabilities)
    result["listed"] = len(listed)
    result["listed_not_flipped"] = len(set(listed) - flipped)
    if flipped:
        result["found_in_first_tenth"] = len(flipped & set(paths[: round(TENTH * len(paths))])) / len(flipped)
        result["found_in_list"] = len(flipped & set(listed)) / len(flipped)
    return result


def _write(folder: Path, rng: np.random.Generator, share: float) -> set[str]:
    """Lay the digits out, some in a wrong class; returns the paths of these."""
    from PIL import Image

    from autotl.cli.demo import digits

    pictures = list(digits())
    classes = sorted({label for label, _, _ in pictures})
    wrong = set(rng.choice(len(pictures), round(share * len(pictures)), replace=False).tolist())
    paths = set()
    for i, (label, name, pixels) in enumerate(pictures):
        given = str(rng.choice([other for other in classes if other != label])) if i in wrong else label
        (folder / given).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / given / name)
        if i in wrong:
            paths.add(f"{given}/{name}")
    return paths


if __name__ == "__main__":
    main()
