"""Install the locked versions and this project into the running environment: `install.py LOCK cpu|gpu|none`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Run pip twice: the pinned packages as they are, then the project without looking for more."""
    lock, tensorflow = Path(sys.argv[1]), sys.argv[2]
    pins = [line for line in lock.read_text().splitlines() if line and not line.startswith("#")]
    extra: list[str] = []
    if tensorflow != "cpu":
        (pin,) = [line for line in pins if line.startswith("tensorflow-cpu==")]
        pins.remove(pin)
        # Both builds of TensorFlow write the same package: the other one has to go first.
        subprocess.run([sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", "tensorflow-cpu"], check=True)
        if tensorflow == "gpu":  # its CUDA packages are not locked: they depend on the driver
            extra = ["tensorflow[and-cuda]==" + pin.partition("==")[2], "nvidia-ml-py"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", *pins], check=True)
    if extra:
        subprocess.run([*pip, *extra], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(lock.resolve().parent)], check=True)


if __name__ == "__main__":
    main()
