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
            findings += [_sound(finding) for finding in check.run(dataset)]
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


def _sound(finding: Finding) -> Finding:
    """The finding, or TypeError where it could not be sorted, printed or stored."""
    if not isinstance(finding, Finding) or finding.severity not in _ORDER:
        raise TypeError(f"it yielded {finding!r}; expected a Finding with the severity {', '.join(_ORDER)}")
    if not all(isinstance(item, str) for item in finding.items):
        raise TypeError("the items of its finding are no texts; expected paths relative to the data folder")
    return finding
