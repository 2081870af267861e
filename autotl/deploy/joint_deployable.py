"""The deployable of several targets: one folder, in MLflow's model layout, that answers all of them for an item."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotl.data.modalities import common_kind, modality_named
from autotl.deploy import targets_predictor
from autotl.deploy.answers import DOUBTS, open_answers
from autotl.deploy.deployable import (
    is_deployable,
    load_deployable,
    output_types,
    predictor_source,
    put_in_place,
    restore_previous,
)
from autotl.deploy.joint_replay import Item, items_of_models, write_joint_replay
from autotl.deploy.mlflow_layout import write_json, write_mlflow_parts
from autotl.deploy.targets_predictor import SEPARATOR
from autotl.errors import ExportError, RunError

TASK = "several-targets"
_OWN_FILES = frozenset((
    "MLmodel", "metadata.json", "model.onnx", "predictor.py", "requirements.txt", "model_card.md", "python_env.yaml",
    "conda.yaml", "input_example.json", "serving_input_example.json",
))  # fmt: skip
_LEFT_OUT = frozenset(("versions", "map", "requirements", "format", "autotl", "run"))
"""What metadata.json does not repeat of each target: what holds for all, and the maps, which are not offered."""
SWITCH = "doubts"
"""The input of a graph that says whether its doubts are to be computed."""


@dataclass(frozen=True)
class JointDeployable:
    """An exported model of several targets. classes: by target, in the order of the probabilities."""

    folder: Path
    classes: Mapping[str, tuple[str, ...]]
    metadata: Mapping[str, object]


@dataclass
class _Part:
    """How some of the models read an item. facts: what their reader needs; files: beside the model, by name."""

    facts: Mapping[str, Any]
    files: Mapping[str, Path]
    targets: list[str] = field(default_factory=list)


def find_joint(path: Path | str) -> JointDeployable | None:
    """The deployable of several targets in a folder, or in the run in a folder; None if it is not one.

    Raises RunError if its metadata.json is damaged.
    """
    path = Path(path)
    for folder in (path, path / "champion"):
        restore_previous(folder)
        if not is_deployable(folder):
            continue
        try:
            metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
            if "targets" not in metadata:
                return None
            classes = {name: tuple(one["classes"]) for name, one in metadata["targets"].items()}
            return JointDeployable(folder, classes, metadata)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{folder / 'metadata.json'} is damaged ({error!r}). Export the run again.") from error
    return None


def write_joint(
    models: Mapping[str, Path], out: Path, *, metadata: Mapping[str, object], items: Sequence[Item] = ()
) -> JointDeployable:
    """Write one deployable that answers what the deployables of several targets answer, and prove it by replay.

    models: the deployable of each target. Its graph holds those of all; what they compute alike, such as a shared
    frozen network, is computed once, and an item is read once for each way in which they read it. metadata: more facts
    for metadata.json. items: on which they are compared, also as the parts that some of the models read; those of the
    models if they all read the same kind of item. Raises ExportError, and leaves `out` as it was, where the model
    cannot be written or differs from one of them.
    """
    import onnx

    from autotl.graphs.side_by_side import Side, side_by_side

    out = out.absolute()
    restore_previous(out)
    known = {name: load_deployable(folder).metadata for name, folder in models.items()}
    kinds = {name: str(one.get("modality", "image")) for name, one in known.items()}
    kind = common_kind(kinds.values())
    if not kind:
        raise ExportError(f"the models of the targets read different kinds of items ({', '.join({*kinds.values()})})")
    parts = _parts(models, known, kind)
    sides = []
    for number, part in enumerate(parts):
        for name in part.targets:
            graph = onnx.load(models[name] / "model.onnx")
            inputs = {value.name: f"part{number}{SEPARATOR}{value.name}" for value in graph.graph.input}
            inputs |= {SWITCH: SWITCH}
            place, kept = list(models).index(name), (open_answers(known[name]).output, *DOUBTS)
            outputs = {value.name: f"{place}{SEPARATOR}{value.name}" for value in graph.graph.output}
            sides.append(Side(graph, inputs, {one: name for one, name in outputs.items() if one in kept}))
    model = side_by_side(sides)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "replay").mkdir(parents=True)
    try:
        try:
            (partial / "model.onnx").write_bytes(model.SerializeToString())
        except ValueError as error:  # protobuf's limit of 2 GB
            raise ExportError(f"the models together are too large for one ONNX file ({error})") from error
        for number, part in enumerate(parts):
            for name, file in part.files.items():
                (partial / f"part{number}").mkdir(exist_ok=True)
                shutil.copyfile(file, partial / f"part{number}" / name)
        targets = _described(known)
        facts = {**metadata, "targets": targets, "parts": [dict(part.facts) for part in parts]}
        _write_texts(partial, models, known, facts, kind)
        items = items_of_models(models, kind) if {*kinds.values()} == {kind} else items
        _write_layout(partial, targets, items[0][kind], parts, kind)
        write_joint_replay(partial, models, kinds, kind, items)
        put_in_place(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    found = find_joint(out)
    assert found is not None
    return found


def files_beside(folder: Path) -> dict[str, Path]:
    """What the model in a folder opens beside its graph, such as a tokenizer or what crops images, by name."""
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_file() and path.name not in _OWN_FILES}


def _parts(models: Mapping[str, Path], known: Mapping[str, Mapping[str, Any]], kind: str) -> list[_Part]:
    """The different ways in which the models read an item of this kind, or a part of it."""
    found: dict[str, _Part] = {}
    for name, folder in models.items():
        metadata = known[name]
        own = modality_named(str(metadata.get("modality", "image")))
        files = files_beside(folder)
        facts = own.deployed((metadata.get("height", 1), metadata.get("width", 1)), files).facts
        # What was exported holds, not what would be exported now.
        facts = {"modality": kind} | {key: metadata[key] for key in facts if key in metadata}
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files.values()]
        key = json.dumps([facts, list(files), digests], sort_keys=True, default=str)
        found.setdefault(key, _Part(facts, files)).targets.append(name)
    return list(found.values())


def _described(known: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What metadata.json says of each target: as that of its own model."""
    return {
        name: {key: value for key, value in metadata.items() if key not in _LEFT_OUT}
        for name, metadata in known.items()
    }


def _write_texts(
    folder: Path, models: Mapping[str, Path], known: Mapping[str, Mapping[str, Any]], metadata: Mapping[str, object],
    kind: str,
) -> None:  # fmt: skip
    """Write metadata.json, the predictor, its requirements and the model card."""
    packages: dict[str, str] = {}
    for one in known.values():
        packages |= one["requirements"]
    own = {"format": 1, "autotl": importlib.metadata.version("autotl"), "task": TASK, "requirements": packages}
    write_json(folder / "metadata.json", {**metadata, **own, **({} if kind == "image" else {"modality": kind})})
    (folder / "predictor.py").write_text(predictor_source(kind, targets_predictor), encoding="utf-8")
    requirements = "".join(f"{name}=={version}\n" for name, version in packages.items())
    (folder / "requirements.txt").write_text(requirements, encoding="utf-8")
    cards = [f"# Model of {len(models)} targets\n\nIt answers {', '.join(models)} for each item.\n"]
    for name, model in models.items():
        card = (model / "model_card.md").read_text(encoding="utf-8")
        cards.append(f"# Target: {name}\n\n" + re.sub(r"^(#+) ", r"#\1 ", card, flags=re.MULTILINE))
    (folder / "model_card.md").write_text("\n".join(cards), encoding="utf-8")


def _write_layout(
    folder: Path, targets: Mapping[str, Mapping[str, Any]], example: tuple[str, bytes], parts: Sequence[_Part],
    kind: str,
) -> None:  # fmt: skip
    outputs: dict[str, str] = {}
    for name, metadata in targets.items():
        own = {f"{name}.{column}": of_column for column, of_column in output_types(metadata).items()}
        if twice := sorted(set(own) & set(outputs)):
            raise ExportError(f"two targets would have the column {twice[0]!r} in a table; rename one of their classes")
        outputs |= own
    height, width = (max(int(part.facts.get(edge, 1)) for part in parts) for edge in ("height", "width"))
    write_mlflow_parts(folder, outputs, example, modality_named(kind).deployed((height, width), {}))
