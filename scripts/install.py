"""Install the locked versions and this project into the running environment: `install.py cpu|gpu|none LOCK...`.

Each lock is a plain list of pinned versions: requirements.lock for using AutoTL, requirements-dev.lock for its tests.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GIGABYTES = {"requirements.lock": 2.8, "requirements-dev.lock": 0.4}
"""On the disk, with TensorFlow for processors, which takes half of it."""
PIP = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off"]
_STEPS = 8
"""How often progress is printed where there is no terminal."""


def main() -> None:
    """Run pip twice: the pinned packages as they are, then the project without looking for more."""
    tensorflow, locks = sys.argv[1], [Path(name) for name in sys.argv[2:]]
    lines = [line for lock in locks for line in lock.read_text().splitlines()]
    pins = [line for line in lines if line and not line.startswith("#")]
    extra: list[str] = []
    if tensorflow != "cpu":
        pin = next((line for line in pins if line.startswith("tensorflow-cpu==")), "")
        pins = [line for line in pins if line != pin]
        # Both builds of TensorFlow write the same package: the other one has to go first.
        subprocess.run([sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", "tensorflow-cpu"], check=True)
        if tensorflow == "gpu" and pin:  # its CUDA packages are not locked: they depend on the driver
            extra = ["tensorflow[and-cuda]==" + pin.partition("==")[2], "nvidia-ml-py"]
    size = sum(GIGABYTES.get(lock.name, 0.0) for lock in locks)
    began = time.monotonic()
    _say(
        f"Installing {len(pins) + len(extra)} packages into {sys.prefix}: about {size:.1f} GB on the disk, which takes "
        "3 to 10 minutes the first time"
    )
    _install([*PIP, "--no-deps", *pins], len(pins))
    if extra:
        _say("Installing TensorFlow for graphics cards, which is several more GB")
        _install([*PIP, *extra], len(extra))
    _install([*PIP, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)], 1)
    _say(f"Installed in {time.monotonic() - began:.0f} s")


def _install(command: Sequence[str], total: int) -> None:
    """Run pip, and say how far it is; what it prints is shown where it fails."""
    printed, done, told = [], 0, 0
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    for line in process.stdout:
        printed.append(line)
        if line.startswith(("Collecting ", "Processing ", "Requirement already satisfied: ")):
            done += 1
            if sys.stdout.isatty():
                sys.stdout.write(f"\r  downloading: {done} of {total} packages ")
                sys.stdout.flush()
            elif done * _STEPS // total > told:
                told = done * _STEPS // total
                _say(f"  downloading: {done} of {total} packages")
        elif line.startswith("Installing collected packages") and total > 1:
            if sys.stdout.isatty():
                sys.stdout.write("\n")
            _say("  unpacking them; this last part takes a minute or two")
    if process.wait():
        sys.stderr.write("".join(printed[-40:]))
        sys.exit(process.returncode)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
