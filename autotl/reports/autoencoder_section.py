"""The section of a report about the autoencoders of a run; added after the report was written, beside the audit."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autotl.evidence.autoencoder_tables import how, tables, title
from autotl.evidence.autoencoder_words import sentences_now
from autotl.evidence.panels import heading
from autotl.reports.added_section import put_section
from autotl.reports.sections import Figures, Part, shown_parts
from autotl.reports.templating import template
from autotl.runs.autoencoders import SHEETS, AutoencoderResult, autoencoder_folder

PANEL = "autoencoders"
_BEFORE = ("<h2>What the advice rests on</h2>", "<h2>How it was made</h2>", "</body>")
"""Where the section is put, the first of these that there is: below the evidence, to which the audit belongs."""


@dataclass(frozen=True)
class _Sheet:
    """A sheet of images. png: the file in base64."""

    title: str
    png: str


@dataclass(frozen=True)
class _Shown:
    """What is shown of one autoencoder."""

    title: str
    sentences: Sequence[str]
    sheets: Sequence[_Sheet]
    parts: Sequence[Part]
    how: str


def add_autoencoder_section(run: Path, found: Sequence[AutoencoderResult], *, champion: int | None) -> bool:
    """Put the section into a run's report, replacing an earlier one.

    champion: the trial of the run's champion, None if it has none. Returns False, with nothing changed, if there is no
    report, or nothing was found.
    """
    if not found:
        return False
    section = template("autoencoder_section.html.j2").render(
        heading=heading(PANEL), found=[_shown(run, one, champion) for one in found]
    )
    return put_section(run / "report.html", PANEL, section, before=_BEFORE)


def _shown(run: Path, found: AutoencoderResult, champion: int | None) -> _Shown:
    sheets = []
    for name, title_of_sheet in SHEETS.items():
        try:
            content = (autoencoder_folder(run, found.name) / name).read_bytes()
        except OSError:  # not every method has all of them
            continue
        sheets.append(_Sheet(title_of_sheet, base64.b64encode(content).decode()))
    with Figures() as figures:
        parts = shown_parts(tables(found), figures)
    return _Shown(title(found), sentences_now(found, champion), sheets, parts, how(found))
