"""What do damaged images do to the decoder? Seeded mutations in a child process under resource limits.

A child that dies is a crash, is counted, and a new one goes on behind the file that killed it. Prints a table and a
JSON line, and returns 1 if anything but an image or an UnreadableImage came out, or one file took over 5 seconds.
Usage: bench_hostile_images.py [N_FILES] [SEED]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
MAX_ADDRESSES = 4 << 30
"""Address space of the child in bytes: more than 1 GiB, because libraries reserve what they never touch."""


def main() -> int:
    """Run children until every file had its turn, and report."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    rows: list[dict[str, object]] = []
    crashes: list[str] = []
    noise = ""
    while len(rows) + len(crashes) < n:
        start = len(rows) + len(crashes)
        child = subprocess.run(
            [sys.executable, __file__, "--child", str(n), str(seed), str(start)],
            capture_output=True,
            text=True,
            check=False,
        )
        noise += child.stderr
        lines = [json.loads(line) for line in child.stdout.splitlines()]
        rows += [line for line in lines if "outcome" in line]
        if child.returncode and not (lines and "outcome" not in lines[-1]):
            sys.exit(f"the child did not get as far as a file:\n{child.stderr}")
        if child.returncode:
            crashes.append(f"{lines[-1]['name']} (exit status {child.returncode})")
    return _report(rows, crashes, noise, seed)


def child(n: int, seed: int, start: int) -> None:
    """Decode the files from `start` on; print the name before and the outcome after each."""
    import faulthandler

    from hostile_images import mutations

    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESSES, MAX_ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CPU, (600, 600))
    for number, (name, data) in enumerate(mutations(seed, n)):
        if number >= start:
            print(json.dumps({"name": name}), flush=True)
            outcome, seconds = _outcome(data)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(json.dumps({"name": name, "outcome": outcome, "seconds": seconds, "mib": peak}), flush=True)


def _outcome(data: bytes) -> tuple[str, float]:
    """What came out of the three ways to read a file, and the seconds of the slowest."""
    from autotl.images.decoder import UnreadableImage, decode
    from autotl.images.file_info import exif_value, read_header_and_image

    outcomes, slowest = set(), 0.0
    for read in (
        lambda: decode(data, 64, 64),
        lambda: read_header_and_image(data, 64),
        lambda: exif_value(data, "Model"),
    ):
        began = time.perf_counter()
        try:
            read()
            outcomes.add("decoded")
        except UnreadableImage as error:
            outcomes.add("quarantined" if str(error) else "quarantined without a reason")
        except BaseException as error:
            return f"raised {type(error).__name__}: {error}", slowest
        slowest = max(slowest, time.perf_counter() - began)
    return max(outcomes), slowest  # in the order of the alphabet: decoded, quarantined, quarantined without a reason


def _report(rows: list[dict[str, object]], crashes: list[str], noise: str, seed: int) -> int:
    wrong = [row for row in rows if row["outcome"] not in ("decoded", "quarantined")]
    slowest = max(rows, key=lambda row: float(str(row["seconds"])))
    result = {
        "seed": seed,
        "files": len(rows) + len(crashes),
        "decoded": sum(row["outcome"] == "decoded" for row in rows),
        "quarantined": sum(row["outcome"] == "quarantined" for row in rows),
        "other": len(wrong),
        "crashes": len(crashes),
        "slowest_seconds": slowest["seconds"],
        "slowest": slowest["name"],
        "peak_mib": max(float(str(row["mib"])) for row in rows),
        "stderr_lines": len(noise.splitlines()),
    }
    for key, value in result.items():
        print(f"{key:<16} {value}")
    for row in wrong:
        print(f"{row['name']}: {row['outcome']}")
    print(*crashes, *noise.splitlines()[:20], sep="\n")
    print(json.dumps(result))
    return int(bool(wrong or crashes) or float(str(slowest["seconds"])) > 5)


if __name__ == "__main__":
    if "--child" in sys.argv:
        child(*(int(argument) for argument in sys.argv[2:5]))
    else:
        sys.exit(main())
