"""Print the pinned versions of everything installed here but this project, one requirement a line."""

from __future__ import annotations

import importlib.metadata
import re
import sys


def main() -> None:
    """Write a plain requirements file to standard output."""
    versions = {
        re.sub(r"[-_.]+", "-", distribution.name).lower(): distribution.version
        for distribution in importlib.metadata.distributions()
    }
    # pi-heif bundles LGPL libraries: an extra that a person installs, and CI to test it. So is OpenVINO, for its size.
    for name in sorted(set(versions) - {"autotl", "pip", "wheel", "pi-heif", "openvino", "openvino-telemetry"}):
        sys.stdout.write(f"{name}=={versions[name]}\n")


if __name__ == "__main__":
    main()
