"""The deployable: one folder, in MLflow's model layout, that classifies items without AutoTL or TensorFlow."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autotl.data.modalities import modality_named
from autotl.deploy import item_readers, predictor
from autotl.deploy.map_facts import map_facts
from autotl.deploy.mlflow_layout import write_json, write_mlflow_parts
from autotl.errors import ExportError, RunError
from autotl.interfaces import Size
from autotl.modality import Deployed
from autotl.targets import CLASSES, LABELS, NUMBER, ORDERED, Target, named_kind

if TYPE_CHECKING:
    import onnx

TOLERANCE = 1e-4
"""Largest difference of a probability between what was exported and what was trained."""

MAX_REPLAY_ITEMS = 8
TABLE_COLUMNS = ("item", "label", "error")
"""The columns of a table of predictions besides those of the classes; MLflow's table has only `label` of them."""

_PARTS = ("MLmodel", "metadata.json", "model.onnx", "predictor.py")


@dataclass(frozen=True)
class Deployable:
    """An exported model on disk.

    classes: in the order of the probabilities. size: as the frozen network takes items; images are squashed to it.
    metadata: the whole of metadata.json.
    """

    folder: Path
    classes: tuple[str, ...]
    size: Size
    metadata: Mapping[str, object]

    @property
    def target(self) -> Target:
        """What the model answers."""
        return Target("", named_kind(_kind_of_target(self.metadata)), self.classes)


def write_deployable(
    model: onnx.ModelProto,
    out: Path,
    *,
    classes: Sequence[str],
    size: Size,
    replay: Sequence[tuple[str, bytes]],
    expected: NDArray[np.floating[Any]] | None,
    metadata: Mapping[str, object],
    card: str,
    modality: str = "image",
    files: Mapping[str, Path] | None = None,
) -> Deployable:
    """Write the folder `out`, prove it by replay, and only then replace what was there.

    model: from the inputs of the modality, such as `images` uint8 (n, height, width, 3), to `probabilities` float32
        (n, n_classes). files: what the model needs beside it, by name.
    replay: 1 to 8 pairs of a name and a file's bytes; the first also becomes MLflow's input example.
    expected: what the champion says of the replay items, (n_replay, n_classes); None records what the artefact says.
    metadata: more facts for metadata.json; what this function knows itself wins. card: markdown.
    Raises ExportError, and leaves `out` as it was, where the artefact cannot be written or computes something else.
    """
    kind = _kind_of_target(metadata)
    least = {LABELS: 1, NUMBER: 0}.get(kind, 2)
    _require(len(set(classes)) == len(classes) >= least, f"needs 2 or more different classes, not {list(classes)}")
    _require(1 <= len(replay) <= MAX_REPLAY_ITEMS, f"needs 1 to {MAX_REPLAY_ITEMS} replay items, not {len(replay)}")
    out = out.absolute()
    restore_previous(out)
    if out.exists() and not (out.is_dir() and (is_deployable(out) or not any(out.iterdir()))):
        raise ExportError(f"{out} exists and is not a deployable; it is left alone. Name another folder.")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "replay").mkdir(parents=True)
    try:
        files = files or {}
        deployed = modality_named(modality).deployed(size, files)
        for name, file in files.items():
            shutil.copyfile(file, partial / name)
        _write_parts(partial, model, classes, {**metadata, **_kind_of_item(modality), **deployed.facts}, deployed, card)
        write_mlflow_parts(partial, _outputs(classes, kind), replay[0], deployed)
        _write_replay(partial, classes, replay, expected, kind)
        put_in_place(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return load_deployable(out)


def load_deployable(path: Path | str) -> Deployable:
    """Open a deployable, or the champion of a run; raises RunError if there is none."""
    path = Path(path)
    restore_previous(path)
    restore_previous(path / "champion")
    folder = next((folder for folder in (path, path / "champion") if is_deployable(folder)), None)
    if folder is None:
        found = "does not exist" if not path.exists() else "is neither a deployable nor a run with a champion"
        raise RunError(
            f"{path} {found}. Give a folder that holds {', '.join(_PARTS)}, or a finished run (its champion is used)."
        )
    try:
        metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
        if "targets" in metadata:
            one = path / "targets" / next(iter(metadata["targets"]))
            raise RunError(
                f"{folder} answers several targets ({', '.join(metadata['targets'])}); this takes a model of one. Give "
                f"the run of a target, such as {one}"
            )
        size = (metadata.get("height", 1), metadata.get("width", 1))
        return Deployable(folder=folder, classes=tuple(metadata["classes"]), size=size, metadata=metadata)
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{folder / 'metadata.json'} is damaged ({error!r}). Export the run again.") from error


def is_deployable(folder: Path) -> bool:
    """Whether a folder has the parts of a deployable."""
    return all((folder / part).is_file() for part in _PARTS)


def replay(deployable: Deployable) -> float:
    """Largest difference between the probabilities recorded at export and those computed now, by the exported code.

    It runs the predictor.py of the folder: only do this with a folder you trust. Raises RunError.
    """
    folder = deployable.folder / "replay"
    try:
        items = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["items"]
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"{folder} has no readable expected.json ({error}). Export the run again.") from error
    computed = _computed(deployable.folder, [folder / item["file"] for item in items])
    return float(np.abs(computed - np.array([numbers_of(item) for item in items])).max())


def columns(classes: Sequence[str]) -> tuple[str, ...]:
    """The names of the classes' columns in a table of predictions, where a class may be called `label` or `error` too.

    They are the classes' own names, except beside the columns that every such table has.
    """
    taken = {*TABLE_COLUMNS, *classes}
    names = []
    for name in classes:
        column = name
        while name in TABLE_COLUMNS and column in taken:
            column += " (probability)"
        names.append(column)
    return tuple(names)


def output_types(metadata: Mapping[str, Any]) -> dict[str, str]:
    """MLflow's type of each column of the answers of a model with this metadata.json, by name."""
    return _outputs(metadata["classes"], _kind_of_target(metadata))


def _outputs(classes: Sequence[str], kind: str = CLASSES) -> dict[str, str]:
    if kind == NUMBER:
        return dict.fromkeys(("value", "low", "high"), "double")
    return {"labels" if kind == LABELS else "label": "string"} | dict.fromkeys(columns(classes), "float")


def _kind_of_target(metadata: Mapping[str, Any]) -> str:
    """The kind of target that metadata.json names; models without it are of classes."""
    return str((metadata.get("target") or {}).get("kind", CLASSES))


def predictor_source(modality: str = "image", module: ModuleType = predictor) -> str:
    """The text of the exported predictor.py: a module with what it imports of AutoTL in its place."""
    text = _with_module(inspect.getsource(module), item_readers, modality_named(modality).serving())
    inlined = set()
    while imported := re.search(r"^from (autotl\.[\w.]+) import .*\n", text, flags=re.MULTILINE):
        if imported[1] in inlined:
            text = text.replace(imported[0], "", 1)
        else:
            text = _with_module(text, importlib.import_module(imported[1]))
        inlined.add(imported[1])
    return text


def _with_module(text: str, module: ModuleType, instead: ModuleType | None = None) -> str:
    """The text of a module with another one in place of the first line that imports it, and without further ones.

    instead: takes the place of `module`.
    """
    # By lines, not by `ast.parse`, which in Python 3.11 fails now and then while another thread parses too
    # (CPython issue 106905), as MLflow does while it is imported.
    before, *rest = re.split(rf"^from {re.escape(module.__name__)} import .*\n", text, flags=re.MULTILINE)
    # Without its docstring and its future import, which is only legal at the top of a file.
    _, inlined = inspect.getsource(instead or module).split("from __future__ import annotations\n")
    return before + inlined.lstrip("\n") + "".join(rest)


def _write_parts(
    folder: Path,
    model: onnx.ModelProto,
    classes: Sequence[str],
    metadata: Mapping[str, object],
    deployed: Deployed,
    card: str,
) -> None:
    packages = {name: installed_version(name) for name in deployed.packages}
    known = {
        "format": 1,
        "autotl": importlib.metadata.version("autotl"),
        "classes": list(classes),
        "columns": list(columns(classes)),
        "requirements": packages,
        "map": map_facts(model),
    }
    try:
        (folder / "model.onnx").write_bytes(model.SerializeToString())
    except ValueError as error:  # protobuf's limit of 2 GB
        raise ExportError(f"the model is too large for one ONNX file ({error})") from error
    write_json(folder / "metadata.json", {**metadata, **known})
    (folder / "predictor.py").write_text(
        predictor_source(str(metadata.get("modality", "image"))), encoding="utf-8"
    )  # fmt: skip
    requirements = "".join(f"{name}=={version}\n" for name, version in packages.items())
    (folder / "requirements.txt").write_text(requirements, encoding="utf-8")
    (folder / "model_card.md").write_text(card, encoding="utf-8")


def _kind_of_item(modality: str) -> dict[str, object]:
    """The entry of metadata.json that names the kind of item; models without it are of images."""
    return {} if modality == "image" else {"modality": modality}


def _write_replay(
    folder: Path,
    classes: Sequence[str],
    items: Sequence[tuple[str, bytes]],
    expected: NDArray[np.floating[Any]] | None,
    kind: str = CLASSES,
) -> None:
    files = [
        folder / "replay" / f"{n}_{re.sub(r'[^A-Za-z0-9._-]+', '_', name)[-80:]}" for n, (name, _) in enumerate(items)
    ]
    for file, (_, data) in zip(files, items, strict=True):
        file.write_bytes(data)
    computed = _computed(folder, files)
    if expected is None:
        expected = computed
    shape = (len(items), 1 if kind == NUMBER else len(classes))
    for what, found in (("the exported model gives", computed), ("expected has", expected)):
        _require(found.shape == shape, f"{what} probabilities of shape {found.shape}, not {shape}")
    # Written so that a NaN fails too.
    if kind in (CLASSES, ORDERED):
        _require(bool((np.abs(computed.sum(axis=1) - 1) < 1e-3).all()), "the exported model's rows do not sum to 1")
    # A number is computed in single precision, so that it is off by a share of what numbers there are.
    tolerance = TOLERANCE * max(1.0, float(np.abs(expected).max(initial=0))) if kind == NUMBER else TOLERANCE
    differences = np.abs(computed - expected).max(axis=1)
    for (name, _), difference in zip(items, differences, strict=True):
        _require(
            bool(difference <= tolerance),
            f"the exported model differs from the champion by {difference:.2g} on {name} (at most {tolerance:g})",
        )
    rows = [
        {
            "file": file.name,
            "item": name,
            **({"value": float(row[0])} if kind == NUMBER else {"probabilities": row.tolist()}),
        }
        for file, (name, _), row in zip(files, items, np.asarray(expected, np.float64), strict=True)
    ]
    write_json(folder / "replay" / "expected.json", {"tolerance": tolerance, "classes": [*classes], "items": rows})


def _computed(folder: Path, files: Sequence[Path]) -> NDArray[np.float64]:
    """What the exported code says of the files, float64 (n, n_classes)."""
    return np.array([numbers_of(answer) for answer in run_exported(folder, files)], np.float64)


def numbers_of(answer: Mapping[str, Any]) -> list[float]:
    """What an answer consists of: its value, or the probabilities of all classes or labels."""
    if "value" in answer:
        return [answer["value"]]
    found = answer["probabilities"]
    return [*found.values()] if isinstance(found, Mapping) else list(found)


def run_exported(folder: Path, files: Sequence[Path]) -> list[Any]:
    """The answers of the predictor.py of a folder for files; ExportError if it does not run, or cannot read one.

    Only do this with a folder you trust.
    """
    # A name of ours, so that the file does not offer itself to an MLflow that happens to be loaded.
    spec = importlib.util.spec_from_file_location("autotl_exported_predictor", folder / "predictor.py")
    if spec is None or spec.loader is None:
        raise ExportError(f"{folder / 'predictor.py'} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    try:
        exec(compile((folder / "predictor.py").read_bytes(), str(folder / "predictor.py"), "exec"), module.__dict__)
        results: list[Any] = module.Predictor(folder).predict(files)
    except Exception as error:  # ONNX Runtime raises its own kinds for an invalid graph
        raise ExportError(f"the exported model does not run ({error})") from error
    for result in results:
        _require("error" not in result, f"replay item {result['item']} is unreadable: {result.get('error')}")
    return results


def put_in_place(partial: Path, out: Path) -> None:
    """Put a folder that is complete in the place of another, so that one of the two is there at any moment."""
    previous = _previous(out)
    if out.exists():
        shutil.rmtree(previous, ignore_errors=True)
        out.rename(previous)
    try:
        partial.rename(out)
    finally:
        restore_previous(out)
    shutil.rmtree(previous, ignore_errors=True)


def restore_previous(out: Path) -> None:
    """Put the former deployable back if a process was killed between the two renames of a swap."""
    if not out.exists() and _previous(out).exists():
        _previous(out).rename(out)


def _previous(out: Path) -> Path:
    return out.with_name(f".{out.name}.previous")


def installed_version(name: str) -> str:
    """The version of an installed package; ExportError if there is none."""
    for distribution in (name, f"{name}-gpu"):
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    raise ExportError(f"{name} is not installed, so the deployable cannot say which version it needs")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ExportError(f"Export failed: {message}.")
