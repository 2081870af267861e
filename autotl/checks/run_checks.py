"""Running the checks of the plugins on a dataset."""

from __future__ import annotations

from collections.abc import Iterable

from autotl.checks.views import views_of
from autotl.data.dataset import Dataset
from autotl.interfaces import Check, DefaultProbe, Finding
from autotl.plugins import Plugins
from autotl.runtime.blame import written_in

_ORDER = {"error": 0, "warning": 1, "info": 2}


def run_checks(dataset: Dataset, plugins: Plugins, probe: DefaultProbe | None = None) -> list[Finding]:
    """The findings of the checks for this kind of item, worst first; one that raises becomes a finding about itself.

    Of composed items, the checks for the kinds of their parts look at these, and their findings name the whole items.

    probe: if given, the checks that use it are run, otherwise the others.
    """
    findings: list[Finding] = []
    views = views_of(dataset)
    for name, check in plugins.all(Check).items():
        view = views.get(check.modality)
        if check.uses_probe != (probe is not None) or dataset.kind not in check.targets or view is None:
            continue
        arguments = (view.seen,) if probe is None else (view.seen, probe)
        try:
            findings += [view.said(finding) for finding in sound_findings(check, check.run(*arguments))]
        except Exception as error:
            plugin = plugins.provenance(Check, name).plugin
            who = f"check {name!r} of plugin {plugin!r} raised "  # by then it has been said
            findings.append(
                Finding(
                    name,
                    "warning",
                    f"the check {name!r} of plugin {plugin!r} failed: {str(error).removeprefix(who)}",
                    advice=f"Report this to the author of the plugin, or disable it with --disable-plugin {plugin}.",
                )
            )
    return worst_first(findings)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Errors, then warnings, then information; otherwise in the order given."""
    return sorted(findings, key=lambda finding: _ORDER[finding.severity])


def sound_findings(check: Check, found: object) -> list[Finding]:
    """What a check found; TypeError if that is not findings that can be sorted, printed and stored."""
    if not isinstance(found, Iterable):
        raise TypeError(f"it returned {found!r:.200}{written_in(check.run)}; expected an iterable: yield each Finding")
    return [_valid(finding) for finding in found]


def _valid(finding: Finding) -> Finding:
    if not isinstance(finding, Finding) or finding.severity not in _ORDER:
        raise TypeError(f"it yielded {finding!r}; expected a Finding with the severity {', '.join(_ORDER)}")
    if not (type(finding.message) is str and finding.message and type(finding.advice) is str):
        raise TypeError(f"its finding has the message {finding.message!r} and the advice {finding.advice!r}; say both")
    items: object = finding.items
    if isinstance(items, str) or any(len(pair) != 2 for pair in finding.pairs):
        raise TypeError("its finding has items that are one string, or pairs that are not of two; expected paths")
    texts = (
        *finding.items,
        *(text for group in (*finding.pairs, *finding.fixes, *finding.proposals) for text in group),
    )
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(
            "its finding has items, pairs, fixes or proposals that are not strings; expected paths and classes"
        )
    return finding
