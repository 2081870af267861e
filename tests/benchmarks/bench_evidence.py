"""What evidence costs: its seconds by piece against the budget, the size of the report, and whether verify.py agrees.

Searches a folder of images (by default 2,000 articles of clothing, or the digits where Debian's dataset-fashion-mnist
is not installed) and reads what the run says of itself. Usage: bench_evidence.py [FOLDER...] [--budget 180]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))


def main() -> None:
    """Search each folder, and print a table and a line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--budget", type=int, default=180)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for folder in options.folders or [_clothing(Path(scratch) / "data")]:
            show(measure(folder, Path(scratch) / f"run-{folder.name}", options.budget))


def measure(folder: Path, run: Path, budget: int) -> dict[str, object]:
    """Search a folder, and measure the evidence of the run."""
    command = [sys.executable, "-m", "autotl.cli", "fit", str(folder), "--run", str(run), "--budget", f"{budget}s"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    state = json.loads((run / "run.json").read_text(encoding="utf-8"))
    began = time.monotonic()
    verified = subprocess.run([sys.executable, str(run / "verify.py")], capture_output=True, text=True, check=False)
    return {
        "data": folder.name, "images": sum(state["result"]["n_items"].values()), "budget": budget,
        "took": round(state["result"]["seconds"], 1), "pieces": state["evidence_seconds"],
        "share": round(sum(state["evidence_seconds"].values()) / budget, 3),
        "report_mb": round((run / "report.html").stat().st_size / 1e6, 2),
        "verified": verified.returncode == 0, "verify_seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def show(found: dict[str, object]) -> None:
    """Print what was measured."""
    pieces = found["pieces"]
    assert isinstance(pieces, dict)
    for piece, seconds in pieces.items():
        print(f"{piece:<16} {seconds:6.2f} s")
    print(json.dumps(found))


def _clothing(folder: Path) -> Path:
    import datasets

    try:
        datasets.lay_out(datasets.fashion(), folder, per_class=200)
    except SystemExit:
        datasets.lay_out(datasets.digits(), folder)
    return folder


if __name__ == "__main__":
    main()
