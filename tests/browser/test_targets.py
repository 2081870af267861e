"""Ordered classes, labels and numbers in a real browser: the order is chosen, and the results show what is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from browsing import settled, sound
from playwright.sync_api import expect
from verified_targets import write_verified_target

from autotl_ui.workspace.data_sets import DataSet, find_data_set, save_data_set
from autotl_ui.workspace.workspace import Workspace

STATES = ("calm", "rough", "wild")


def test_the_order_of_classes_is_chosen_one_after_another(tab: Any, address: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    table = workspace.data / "sea" / "sea.csv"
    table.parent.mkdir(parents=True)
    rows = [f'"The sea was {STATES[n % 3]} on day {n}, as far as we saw it",{STATES[n % 3]}' for n in range(36)]
    table.write_text("\n".join(["said,state", *rows]))
    save_data_set(workspace, DataSet("sea", "Sea", table, "state", text="said", target="ordered"))
    tab.goto(f"{address}/train?data=sea")
    tab.get_by_text("The order of the classes").wait_for()
    field = tab.get_by_role("combobox", name="The classes from low to high")
    for state in ("rough", "wild", "calm"):
        field.click()
        tab.get_by_role("option", name=state).click()
    tab.keyboard.press("Escape")  # the list hides the rest of the page
    expect(tab.get_by_text("The order")).to_have_count(0)
    expect(tab.get_by_role("button", name="Start")).to_be_enabled()
    settled(tab)
    kept = find_data_set(workspace, "sea")
    assert kept is not None
    assert kept.order == ("rough", "wild", "calm")
    sound(tab)


def test_the_results_of_labels_and_numbers_show_their_evidence(
    tab: Any, address: str, tmp_path: Path, toy_dataset: Any, plugins: Any, settings: Any
) -> None:
    for kind in ("labels", "number"):
        folder = tmp_path / "autotl-runs" / kind
        folder.parent.mkdir(exist_ok=True)
        write_verified_target(folder, toy_dataset, plugins, settings, kind=kind).update(status="complete")
    tab.goto(f"{address}/results?run=labels")
    tab.get_by_role("heading", name="Which labels does it find?").wait_for()
    expect(tab.get_by_text("Each label on the test split")).to_be_visible()
    expect(tab.get_by_role("heading", name="The images that it answers worst")).to_be_visible()
    sound(tab)
    tab.goto(f"{address}/results?run=number")
    tab.get_by_role("heading", name="How near are its numbers?").wait_for()
    expect(tab.locator('[data-testid="stVegaLiteChart"]').first).to_be_visible()
    expect(tab.get_by_text("The farthest off first.", exact=True)).to_be_visible()
    tab.get_by_role("tab", name="Evidence").click()
    tab.get_by_role("tab", name="Report").wait_for()
    sound(tab)
