"""The two images that somebody gives to the Style page."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePath

import streamlit as st

from autotl.images.decoder import UnreadableImage
from autotl.images.file_info import thumbnail
from autotl.images.safe_decode import decode_risk
from autotl.runtime.atomic_files import write_atomically
from autotl_ui.style.style_jobs import FOLDER
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.data_sets import slug
from autotl_ui.workspace.workspace import Workspace

SUFFIXES = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "avif", "heic", "heif")
_PIXELS = 320
_UPLOADED = "uploaded"


@dataclass(frozen=True)
class GivenImage:
    """An image that was dropped. name: of its file."""

    name: str
    content: bytes

    @property
    def digest(self) -> str:
        """Of its content."""
        return hashlib.sha256(self.content).hexdigest()[:16]

    def keep(self, workspace: Workspace) -> Path:
        """Write it into the workspace; returns its path, which is named by the content."""
        name = PurePath(self.name)
        file = workspace.root / FOLDER / _UPLOADED / self.digest / f"{slug(name.stem)}{name.suffix.lower()}"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, self.content)
        return file


def ask_for_image(title: str, *, key: str, help_text: str) -> GivenImage | None:
    """A place to drop an image or browse for one; None before there is one that can be read."""
    sent = st.file_uploader(title, SUFFIXES, key=key, help=help_text)
    if sent is None:
        return None
    content = sent.getvalue()
    small = _preview(content)
    if isinstance(small, str):
        st.error(f"{plain(sent.name)} cannot be read as an image: {plain(small)}.", icon=":material/broken_image:")
        return None
    st.image(small, width=_PIXELS // 2, alt=f"{title}: {sent.name}")
    return GivenImage(sent.name, content)


@st.cache_data(max_entries=16, ttl=3600, show_spinner=False)
def _preview(content: bytes) -> bytes | str:
    """A thumbnail as JPEG bytes, or the reason why there is none."""
    if risk := decode_risk(content):
        return risk
    try:
        return thumbnail(content, _PIXELS)
    except UnreadableImage as error:
        return str(error)
