"""A run's champion in other formats: each is a job that writes a folder, which can then be downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autotl_ui.jobs import jobs
from autotl_ui.workspace.data_sets import slug
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace


@dataclass(frozen=True)
class Export:
    """An attempt to write a format. folder: where it writes. problem: why it failed."""

    state: Literal["running", "done", "failed"]
    folder: Path
    problem: str = ""


def start(workspace: Workspace, run: RunView, format_name: str) -> None:
    """Write the champion in a format, into a folder of its own."""
    base = _base(workspace, run, format_name)
    number = 1 + max(_numbers(base), default=0)
    out = base.with_name(f"{base.name}-{number}")
    jobs.start(
        out, ["export", str(run.folder), f"--format={format_name}", "--out", str(out)],
        owner=workspace.job_owner, about=f"{run.name} as {format_name}", output=_answer_file(out),
    )  # fmt: skip


def look(workspace: Workspace, run: RunView, format_name: str) -> Export | None:
    """The latest attempt to write this model in this format; None if there was none."""
    base = _base(workspace, run, format_name)
    number = max(_numbers(base), default=0)
    if not number:
        return None
    out = base.with_name(f"{base.name}-{number}")
    job = jobs.read(out)
    if job and job.alive:
        return Export("running", out)
    try:  # the command prints the file it wrote, at its very end
        done = bool(_answer_file(out).read_text(encoding="utf-8").strip()) and out.is_dir()
    except OSError:
        done = False
    return Export("done", out) if done else Export("failed", out, jobs.last_words(out) or "It was interrupted.")


def _numbers(base: Path) -> list[int]:
    ends = (path.name.removesuffix(".job.json")[len(base.name) + 1 :] for path in base.parent.glob("*.job.json")
            if path.name.startswith(f"{base.name}-"))  # fmt: skip
    return [int(end) for end in ends if end.isdigit()]


def _base(workspace: Workspace, run: RunView, format_name: str) -> Path:
    """The name of its folders, up to a number; a refitted champion has others."""
    try:
        written = (run.champion / "model.onnx").stat().st_mtime_ns
    except OSError:
        written = 0
    return workspace.root / "autotl-models" / "exported" / f"{slug(run.name)}-{slug(format_name)}-{written % 10**9:09d}"


def _answer_file(out: Path) -> Path:
    return out.with_name(f"{out.name}.answer")
