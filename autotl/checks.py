"""Running the checks that plugins bring over a data set."""

from __future__ import annotations

from autotl.dataset import Dataset
from autotl.interfaces import Finding
from autotl.plugins import Plugins

_ORDER = {"error": 0, "warning": 1, "info": 2}


def run_checks(dataset: Dataset, plugins: Plugins) -> list[Finding]:
    """The findings of every check, worst first; a check that raises becomes a finding about itself."""
    findings: list[Finding] = []
    for name, check in plugins.checks.items():
        try:
            findings += check.run(dataset)
        except Exception as error:
            plugin = plugins.provenance("check", name).plugin
            findings.append(
                Finding(
                    name,
                    "warning",
                    f"the check {name!r} of plugin {plugin!r} failed: {error}",
                    advice=f"Tell its author, or leave it out with --disable-plugin {plugin}.",
                )
            )
    return sorted(findings, key=lambda finding: _ORDER[finding.severity])
