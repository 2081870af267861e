"""A hook that nobody can read about, or that nobody tests, fails the build."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autotl import hookspecs

ROOT = Path(__file__).parents[2]
HOOKS = sorted(name for name, value in vars(hookspecs).items() if hasattr(value, "autotl_spec"))


def test_the_hooks_are_found():
    assert {"register_heads", "on_trial_end"} <= set(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_heading_in_the_documentation(hook):
    pages = [page for name in ("README.md", "CONTRIBUTING.md") if (page := ROOT / name).exists()]
    heading = re.compile(rf"^#+ .*`{hook}`", re.MULTILINE)
    assert any(heading.search(page.read_text(encoding="utf-8")) for page in pages), (
        f"put a heading such as '### `{hook}`' into CONTRIBUTING.md and say what the hook is for"
    )


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_tested(hook):
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    assert any(re.search(rf"\b{hook}\b", path.read_text(encoding="utf-8")) for path in tests), (
        f"no test mentions the hook {hook}"
    )
