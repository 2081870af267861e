"""Screenshots among photographs, by their file names."""

import autotl
from autotl.interfaces import Check, Finding


def screenshots(dataset):
    names = dataset.items["path"].str.rsplit("/", n=1).str[-1].str.lower()
    found = tuple(dataset.items["path"][names.str.startswith("screenshot")])
    if found:
        yield Finding(
            "screenshots",
            "warning",
            f"{len(found)} of {len(dataset.items)} images are screenshots by their file name, such as {found[0]}",
            items=found,
            advice="Exclude those that do not show what the class is about",
            proposals=tuple(("exclude", path) for path in found),
        )


@autotl.hookimpl
def register_checks():
    yield Check("screenshots", screenshots)
