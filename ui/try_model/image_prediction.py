"""What a model says of single pictures that somebody brings: its answer, and the training pictures like them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from autotl.deploy.similar_images import Neighbour, has_index, nearest
from autotl.images.decoder import UnreadableImage
from autotl.images.file_info import thumbnail
from autotl.images.safe_decode import decode_risk
from autotl_ui.jobs import jobs
from autotl_ui.server.access import current
from autotl_ui.workspace.deployables import open_model
from autotl_ui.workspace.runs import RunView

N_LIKE = 6
_INDEX = Path("evidence") / "neighbours.npz"


def answer(folder: Path, content: bytes) -> dict[str, Any]:
    """What the model of a deployable says of an image file: `label` and `probabilities`, or `error`."""
    if danger := _danger(content):
        return {"error": danger}
    try:
        return _answer(str(folder), (folder / "model.onnx").stat().st_mtime_ns, content)
    except Exception:  # onnxruntime's errors share no base
        return {"error": "the model could not be run on it; its folder may be damaged"}


def preview(content: bytes, edge: int) -> bytes | None:
    """A thumbnail as JPEG bytes; None where there is no picture."""
    try:
        return None if _danger(content) else thumbnail(content, edge)
    except UnreadableImage:
        return None


def like(run: RunView, content: bytes) -> list[Neighbour]:
    """The training pictures that a new one is most like, to the model; none where the run has no index."""
    try:
        return [] if _danger(content) else _like(str(run.folder), (run.folder / _INDEX).stat().st_mtime_ns, content)
    except Exception:  # a damaged index, a network without features: the answer itself stays
        return []


def can_compare(run: RunView) -> bool:
    """Whether there is an index of the training pictures, of the model as it is now."""
    try:
        return has_index(run.folder)
    except Exception:  # as above
        return False


def index_job(run: RunView) -> jobs.Job | None:
    """The job that makes or made the index, None where nobody asked for one."""
    return jobs.read(run.folder / _INDEX)


def index_problem(run: RunView) -> str:
    """Why the index could not be made."""
    return jobs.last_words(run.folder / _INDEX)


def start_index(run: RunView) -> jobs.Job:
    """Have the training pictures read once, so that new ones can be compared; OSError where that cannot be started."""
    return jobs.start(
        run.folder / _INDEX,
        ["index", str(run.folder)],
        owner=current().job_owner,
        about=f"training pictures of {run.name}",
    )


# Contents are hashed and not kept; what is kept is a few numbers each.
@st.cache_data(max_entries=256, ttl=3600, show_spinner=False)
def _answer(folder: str, written: int, content: bytes) -> dict[str, Any]:  # noqa: ARG001, a model written anew is another
    model = open_model(Path(folder))
    if model is None:
        return {"error": "the model cannot be opened"}
    return model.predict([content])[0]


@st.cache_data(max_entries=256, ttl=3600, show_spinner=False)
def _danger(content: bytes) -> str:
    return decode_risk(content)


@st.cache_data(max_entries=256, ttl=3600, show_spinner=False)
def _like(folder: str, written: int, content: bytes) -> list[Neighbour]:  # noqa: ARG001, an index written anew is another
    found = nearest(Path(folder), [content], k=N_LIKE)
    return found[0] if found else []
