"""Files that cannot be used, or of which only a part is."""

from __future__ import annotations

from autotl_plugins.checks import unreadable as plugin


def test_unreadable_files_are_counted_and_listed_with_the_first_reason(photos):
    dataset = photos(["cat", "cat", "dog"], quarantine=["", "it is empty", "it is cut short"])
    [finding] = plugin.unreadable(dataset)
    assert finding.message == "2 of 3 images could not be read and were skipped, such as cat/1.png: it is empty"
    assert finding.items == ("cat/1.png", "dog/2.png")


def test_what_the_user_excluded_is_no_fault(photos):
    dataset = photos(["cat", "cat", "dog"], quarantine=["", "excluded by you", "it is cut short"])
    [finding] = plugin.unreadable(dataset)
    assert finding.items == ("dog/2.png",)


def test_of_animated_files_the_user_learns_that_the_first_frame_is_used(photos):
    [finding] = plugin.animated(photos(["cat", "cat", "dog"], frames=[1, 12, 2]))
    assert finding.severity == "info"
    assert finding.message.startswith("2 images have several frames or pages, such as cat/1.png; only the first")
