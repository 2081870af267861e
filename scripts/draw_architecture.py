"""Draw the folders of the three packages from the ground up, with an arrow for each import, as SVG on standard output.

Boxes and arrows are read from the source, so that the drawing cannot go stale. An arrow that follows from others is
left out (transitive reduction), and folders of one package with the same arrows share a box. The layer of a box is its
longest path to the ground; places within a layer come from the barycentre method (Sugiyama et al. 1981).
"""

from __future__ import annotations

import ast
import graphlib
import sys
from collections import defaultdict
from collections.abc import Mapping
from html import escape
from itertools import pairwise

from imports import MODULES, folder_imports, folder_of

PURPOSES = {
    "autotl": "autotl.fit and the like",
    "autotl.api": "fit, check, load",
    "autotl.errors": "what a user can cause",
    "autotl.hookspecs": "the hooks",
    "autotl.interfaces": "what plugins offer",
    "autotl.plugins": "find and load",
    "autotl.predictions": "labels, probabilities",
    "autotl.scores": "a value, its interval",
    "autotl.settings": "of a person, a machine",
    "autotl.trial": "what a trial tries",
}
"""What is written under the name of each file on top of the core; folders say it themselves, in `__init__.py`."""

WAY_OF_THE_DATA = {
    "autotl.data": ("Dataset", "Split"),
    "autotl.checks": ("Leaks",),
    "autotl.features": ("Features",),
    "autotl.training": ("Classifier",),
    "autotl.search": (),
    "autotl.evidence": ("Evaluation", "Leaderboard"),
    "autotl.deploy": ("Champion", "Deployable"),
    "autotl.reports": (),
}
"""The folders that the data pass through, in this order, and the types that they hand on."""

FOR_AUTHORS = ("autotl.interfaces", "autotl.hookspecs", "autotl.testing")
"""What a plugin author reads."""

LANES = ("autotl_plugins", "autotl", "autotl_ui")
LANE_TITLES = {"autotl_plugins": "plugins/", "autotl": "autotl/", "autotl_ui": "ui/"}
LANE_WIDTHS = {"autotl_plugins": 160, "autotl": 456, "autotl_ui": 160}
BOX_WIDTH, BOX_HEIGHT, LAYER_HEIGHT, LANE_GAP, TOP, BOTTOM = 132, 38, 64, 24, 34, 50

Graph = Mapping[str, set[str]]
Box = tuple[str, ...]
"""The folders that share a box, or the name of a bend in a long arrow."""


def main() -> None:
    """Write the drawing."""
    sys.stdout.write(draw(folder_imports()))


def draw(graph: Graph) -> str:
    """Return the drawing as SVG; raises ValueError where the tables above no longer fit the source."""
    require_tables_fit(graph)
    boxes = group(reduce(graph))
    layers = layers_of(boxes)
    bent, bends = bend_long_arrows(boxes, layers)
    levels = {**layers, **bends}
    x = place(bent, levels)
    height = TOP + BOTTOM + LAYER_HEIGHT * (max(layers.values()) + 1)
    y = {box: height - BOTTOM - LAYER_HEIGHT * (level + 0.5) for box, level in levels.items()}
    parts = [_frame(height)]
    for importer, imported in ((box, other) for box in boxes for other in sorted(boxes[box])):
        route = _route(importer, imported, bends)
        start, end = _port(importer, route[1], bent[importer], x), _port(imported, route[-2], _above(imported, bent), x)
        middle = [(x[bend], y[bend]) for bend in route[1:-1]]
        parts.append(_arrow([(start, y[importer]), *middle, (end, y[imported])]))
    parts += [_box(box, x[box], y[box]) for box in sorted(boxes)]
    return "\n".join([*parts, _legend(height), "</svg>\n"])


def require_tables_fit(graph: Graph) -> None:
    """Raise ValueError where a folder has no purpose, or a type on the way of the data has gone."""
    core = {folder for folder in graph if lane_of(folder) == "autotl"}
    if gone := set(PURPOSES) - core:
        raise ValueError(f"PURPOSES names {', '.join(sorted(gone))}, which autotl/ no longer has")
    if silent := [folder for folder in sorted(core) if not purpose_of(folder)]:
        raise ValueError(f"{', '.join(silent)}: neither PURPOSES nor an __init__.py says what it is for")
    for folder, names in WAY_OF_THE_DATA.items():
        files = [path for module, path in MODULES.items() if folder_of(module) == folder]
        trees = [ast.parse(path.read_text(encoding="utf-8")) for path in files]
        classes = {node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
        if gone := set(names) - classes:
            raise ValueError(f"{folder} no longer defines {', '.join(sorted(gone))}, which WAY_OF_THE_DATA names")


def purpose_of(folder: str) -> str:
    """Return what a folder or file of the core is for, in a few words."""
    if folder in PURPOSES:
        return PURPOSES[folder]
    text = ast.get_docstring(ast.parse(MODULES[folder].read_text(encoding="utf-8"))) if folder in MODULES else ""
    words = (text or "").partition(":")[0].rstrip(".")
    return words if words.startswith("Keras") else words[:1].lower() + words[1:]


def lane_of(folder: str) -> str:
    """Return the package of a folder."""
    return folder.split(".")[0]


def reduce(graph: Graph) -> dict[str, set[str]]:
    """Leave out empty packages, and every arrow that follows from others."""
    below: dict[str, set[str]] = {}

    def reach(folder: str) -> set[str]:
        if folder not in below:
            below[folder] = set(graph[folder]).union(*(reach(imported) for imported in graph[folder]))
        return below[folder]

    used = {folder for folder in graph if graph[folder] or any(folder in found for found in graph.values())}
    return {
        folder: {i for i in graph[folder] if not any(i in reach(other) for other in graph[folder] - {i})}
        for folder in used
    }


def group(graph: Graph) -> dict[Box, set[Box]]:
    """Put folders outside the core that import the same, and are imported by the same, into one box."""
    importers = {folder: frozenset(f for f, found in graph.items() if folder in found) for folder in graph}
    alike = defaultdict(list)
    for folder in sorted(graph):
        own = folder if lane_of(folder) == "autotl" else lane_of(folder)
        alike[own, frozenset(graph[folder]), importers[folder]].append(folder)
    box_of = {folder: tuple(folders) for folders in alike.values() for folder in folders}
    return {box_of[folder]: {box_of[imported] for imported in found} for folder, found in graph.items()}


def layers_of(boxes: Mapping[Box, set[Box]]) -> dict[Box, int]:
    """Return each box's layer, 0 for the ground.

    It is the longest path. Outside the core no two boxes of a package share a layer; within it a box that more arrows
    enter than leave moves up to its importers, which makes the arrows shorter.
    """
    layers: dict[Box, int] = {}
    order = list(graphlib.TopologicalSorter(boxes).static_order())
    for box in order:
        layers[box] = 1 + max((layers[imported] for imported in boxes[box]), default=-1)
        if lane_of(box[0]) != "autotl":
            while any(layers[other] == layers[box] for other in layers if other != box and _same_lane(other, box)):
                layers[box] += 1
    for box in reversed(order):
        importers = _above(box, boxes)
        if lane_of(box[0]) == "autotl" and boxes[box] and len(importers) > len(boxes[box]):
            layers[box] = min(layers[importer] for importer in importers) - 1
    return layers


def _same_lane(box: Box, other: Box) -> bool:
    return lane_of(box[0]) == lane_of(other[0])


def bend_long_arrows(
    boxes: Mapping[Box, set[Box]], layers: Mapping[Box, int]
) -> tuple[dict[Box, set[Box]], dict[Box, int]]:
    """Replace each arrow over several layers by a chain with a bend in every layer between."""
    bent: dict[Box, set[Box]] = {box: set() for box in boxes}
    bends: dict[Box, int] = {}
    for importer, found in boxes.items():
        for imported in found:
            below = imported
            for layer in range(layers[imported] + 1, layers[importer]):
                bend = (f"{importer[0]}->{imported[0]}@{layer}",)
                bends[bend] = layer
                bent[bend] = {below}
                below = bend
            bent[importer].add(below)
    return bent, bends


def _route(importer: Box, imported: Box, bends: Mapping[Box, int]) -> list[Box]:
    prefix = f"{importer[0]}->{imported[0]}@"
    between = sorted((bend for bend in bends if bend[0].startswith(prefix)), key=lambda bend: -bends[bend])
    return [importer, *between, imported]


def _above(box: Box, bent: Mapping[Box, set[Box]]) -> set[Box]:
    return {other for other, found in bent.items() if box in found}


def _port(box: Box, other: Box, others: set[Box], x: Mapping[Box, float]) -> float:
    """Where the arrow from or to another box meets this one: in the order of the others, spread along its edge."""
    order = sorted(others, key=lambda found: (x[found], found))
    return x[box] + (order.index(other) - (len(order) - 1) / 2) * min(22, BOX_WIDTH / (len(order) + 1))


def place(bent: Mapping[Box, set[Box]], layers: Mapping[Box, int]) -> dict[Box, float]:
    """Return the middle of each box in pixels: near its neighbours, within its package's lane, without overlap."""
    neighbours: dict[Box, set[Box]] = {box: set(found) for box, found in bent.items()}
    for box, found in bent.items():
        for other in found:
            neighbours[other].add(box)
    rows = defaultdict(list)
    for box in sorted(bent):
        rows[layers[box], _lane(box)].append(box)
    spans = _spans()
    x = {box: sum(spans[_lane(box)]) / 2 + i for row in rows.values() for i, box in enumerate(row)}
    for sweep in range(200):
        for (_, lane), row in sorted(rows.items(), reverse=sweep % 2 == 1):
            wanted = {box: _barycentre(box, neighbours[box], x) for box in row}
            row.sort(key=lambda box: (wanted[box], box))
            _spread(row, wanted, x, spans[lane])
    return x


def _barycentre(box: Box, others: set[Box], x: Mapping[Box, float]) -> float:
    # An arrow that runs straight past a layer is easier to follow, so bends pull each other the most.
    weights = {other: 8 if "->" in box[0] and "->" in other[0] else 1 for other in others}
    return sum(weight * x[other] for other, weight in weights.items()) / sum(weights.values())


def _lane(box: Box) -> str:
    # A bend of an arrow into the core runs through the core, where it keeps clear of the other boxes.
    return "autotl" if "->" in box[0] and "->autotl." in box[0] else lane_of(box[0].split("->")[0])


def _spans() -> dict[str, tuple[float, float]]:
    left, spans = 0.0, {}
    for lane in LANES:
        spans[lane] = (left, left + LANE_WIDTHS[lane])
        left += LANE_WIDTHS[lane] + LANE_GAP
    return spans


def _spread(row: list[Box], wanted: Mapping[Box, float], x: dict[Box, float], span: tuple[float, float]) -> None:
    """Put a row's boxes where they are wanted, pushed apart and into the lane."""
    halves = [3.0 if "->" in box[0] else BOX_WIDTH / 2 for box in row]
    gaps = [8 if "->" in box[0] + after[0] else 15 for box, after in pairwise(row)]
    left = span[0]
    for box, half, gap in zip(row, halves, [*gaps, 0], strict=True):
        x[box] = max(wanted[box], left + half)
        left = x[box] + half + gap
    right = span[1]
    for box, half, gap in zip(reversed(row), reversed(halves), [*reversed(gaps), 0], strict=True):
        x[box] = min(x[box], right - half)
        right = x[box] - half - gap


def _frame(height: int) -> str:
    lanes = []
    for lane, (left, right) in _spans().items():
        size = f'width="{right - left + 16:.0f}" height="{height - BOTTOM - 8}"'
        lanes.append(
            f'<rect class="lane" x="{left - 8:.0f}" y="8" {size} rx="12"/>'
            f'<text class="lane-title" x="{(left + right) / 2:.0f}" y="28">{LANE_TITLES[lane]}</text>'
        )
    right = max(end for _, end in _spans().values())
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="-14 0 {right + 28:.0f} {height}" role="img"
 aria-label="The folders of AutoTL from the ground up, with an arrow from each to those that it imports">
<style>
text {{ font-family: system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; text-anchor: middle; }}
.card {{ fill: #ffffff; }} .lane {{ fill: #f5f7fa; }}
.lane-title {{ font-size: 12px; font-weight: 600; fill: #7b8794; letter-spacing: .04em; }}
.arrow {{ fill: none; stroke: #9aa5b1; stroke-width: 1.3; }} .head {{ fill: #9aa5b1; }}
.box {{ fill: #ffffff; stroke: #cbd2d9; }} .box.way {{ fill: #e3f0fc; stroke: #2b7cd3; stroke-width: 1.5; }}
.box.autotl_plugins {{ fill: #fff4e0; stroke: #e8a33d; }} .box.autotl_ui {{ fill: #eaf7ec; stroke: #57ae5b; }}
.box.authors {{ stroke: #e8a33d; stroke-width: 1.5; }}
.name {{ font-size: 12.5px; font-weight: 600; fill: #1f2933; }} .name.small {{ font-size: 10px; }}
.purpose {{ font-size: 9.6px; fill: #616e7c; }}
.handed-on {{ font-size: 9.3px; fill: #1a5fa8; font-weight: 600; }}
.step {{ fill: #2b7cd3; }} .number {{ font-size: 9.5px; font-weight: 700; fill: #ffffff; }}
.legend {{ font-size: 10.5px; fill: #52606d; text-anchor: start; }}
</style>
<rect class="card" x="-14" y="0" width="{right + 28:.0f}" height="{height}" rx="14"/>
{"".join(lanes)}"""


def _arrow(points: list[tuple[float, float]]) -> str:
    """A smooth line from the bottom of the importer through the bends to the top of the imported box."""
    (x, y), (end_x, end_y) = points[0], points[-1]
    y, end_y = y + BOX_HEIGHT / 2, end_y - BOX_HEIGHT / 2 - 5
    path, bend = [f"M{x:.1f},{y:.1f}"], LAYER_HEIGHT - BOX_HEIGHT
    for next_x, middle in points[1:-1]:
        top = middle - BOX_HEIGHT / 2
        path.append(f"C{x:.1f},{y + bend * 0.6:.1f} {next_x:.1f},{top - bend * 0.6:.1f} {next_x:.1f},{top:.1f}")
        path.append(f"L{next_x:.1f},{middle + BOX_HEIGHT / 2:.1f}")
        x, y = next_x, middle + BOX_HEIGHT / 2
    path.append(f"C{x:.1f},{y + bend * 0.6:.1f} {end_x:.1f},{end_y - bend * 0.6:.1f} {end_x:.1f},{end_y:.1f}")
    head = f"{end_x - 3.6:.1f},{end_y - 1:.1f} {end_x + 3.6:.1f},{end_y - 1:.1f} {end_x:.1f},{end_y + 5:.1f}"
    return f'<path class="arrow" d="{" ".join(path)}"/><polygon class="head" points="{head}"/>'


def _box(box: Box, x: float, y: float) -> str:
    lane, names = lane_of(box[0]), [_title(folder) for folder in box]
    step = list(WAY_OF_THE_DATA).index(box[0]) + 1 if box[0] in WAY_OF_THE_DATA else 0
    left, top = x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2
    kind = "box way" if step else "box authors" if box[0] in FOR_AUTHORS else f"box {lane}"
    parts = [f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="7"/>']
    lines = _lines(names)
    for i, line in enumerate(lines):
        shift = -3 if lane == "autotl" else 4 + (i - (len(lines) - 1) / 2) * 11.5
        style = "name" if len(lines) == 1 else "name small"
        parts.append(f'<text class="{style}" x="{x:.1f}" y="{y + shift:.1f}">{escape(line)}</text>')
    if lane == "autotl":
        handed_on = WAY_OF_THE_DATA.get(box[0], ())
        text, style = (", ".join(handed_on), "handed-on") if handed_on else (purpose_of(box[0]), "purpose")
        parts.append(f'<text class="{style}" x="{x:.1f}" y="{y + 12:.1f}">{escape(text)}</text>')
    if step:
        parts.append(f'<circle class="step" cx="{left + 2:.1f}" cy="{top + 2:.1f}" r="8"/>')
        parts.append(f'<text class="number" x="{left + 2:.1f}" y="{top + 5.4:.1f}">{step}</text>')
    return "".join(parts)


def _title(folder: str) -> str:
    """The name as a listing shows it: data/, errors.py; without more where several share a box."""
    package, _, name = folder.partition(".")
    if package != "autotl":
        return name
    is_folder = name and any(module.startswith(f"{folder}.") for module in MODULES)
    return f"{name}/" if is_folder else f"{name or '__init__'}.py"


def _lines(names: list[str], width: int = 22) -> list[str]:
    lines = [""]
    for name in names:
        if lines[-1] and len(lines[-1]) + len(name) + 3 > width:
            lines.append("")
        lines[-1] += f"{' · ' * bool(lines[-1])}{name}"
    return lines


def _legend(height: int) -> str:
    y = height - 20
    return (
        f'<circle class="step" cx="4" cy="{y - 4}" r="8"/><text class="number" x="4" y="{y - 0.6}">1</text>'
        f'<text class="legend" x="17" y="{y}">the way of the data, and the types handed on</text>'
        f'<rect class="box authors" x="268" y="{y - 11}" width="22" height="14" rx="4"/>'
        f'<text class="legend" x="296" y="{y}">what a plugin author reads</text>'
        f'<path class="arrow" d="M446,{y - 4} L470,{y - 4}"/>'
        f'<polygon class="head" points="469,{y - 7.6} 469,{y - 0.4} 475,{y - 4}"/>'
        f'<text class="legend" x="481" y="{y}">imports (what follows from other arrows is left out)</text>'
    )


if __name__ == "__main__":
    main()
