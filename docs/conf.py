"""The documentation: built by `make docs`, opened from docs/_build/index.html without any network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
GENERATED = HERE / "_generated"
sys.path[:0] = [str(HERE), str(HERE.parent / "scripts")]

project = "AutoTL"
author = "the authors of AutoTL"
html_title = "AutoTL"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["autotl.css"]
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
html_permalinks_icon = "#"
exclude_patterns = ["_build", "_generated/*"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "docstrings", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
default_role = "literal"  # docstrings write `names` as in Markdown
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
add_module_names = False
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False


def setup(app: Sphinx) -> None:
    """Generate what comes from the source whenever the site is built."""
    app.connect("builder-inited", lambda _app: generate())


def generate() -> None:
    """Write the drawing of the folders, and the reference of the command line in Typer's own words."""
    from draw_architecture import draw
    from imports import folder_imports

    GENERATED.mkdir(exist_ok=True)
    (GENERATED / "architecture.svg").write_text(draw(folder_imports()), encoding="utf-8")
    command = [sys.executable, "-m", "typer", "autotl.cli.app", "utils", "docs", "--name", "autotl"]
    reference = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # The page has a title of its own.
    reference = reference[reference.index("**Usage**") :].replace("```console\n$ ", "```text\n")
    (GENERATED / "command_line.md").write_text(reference, encoding="utf-8")
