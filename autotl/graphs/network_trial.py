"""Finds how the network in an ONNX file is read, by running it: in a child process, as a damaged file may crash."""

from __future__ import annotations

import difflib
import json
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper

from autotl.errors import AutoTLError, ConfigError, in_one_line
from autotl.graphs.cut_points import cut_points, data_flow, layouts, needing
from autotl.graphs.image_inputs import ImageInput, Pixels, find_image_input, find_pixels
from autotl.graphs.image_networks import Reading, encoder_graph, with_free_batch
from autotl.graphs.image_outputs import Network, deepest_output, find_stages, stated_stages
from autotl.graphs.network_check import run, verify
from autotl.graphs.network_files import describe_domains, load_network, metadata, part_for, without_weights
from autotl.graphs.network_settings import MOST_PIXELS, NetworkSettings, read_settings
from autotl.graphs.pooled_outputs import IMAGES
from autotl.graphs.quiet_session import open_session
from autotl.graphs.text_networks import find_text_inputs
from autotl.graphs.text_trial import examine_texts

FURTHER_SIZES = (128, 320, 448)
_TRIED_SIZES = (224, 256, 384, 336, 112, 128, 160, 192, 240, 260, 288, 299, 300, 320, 331, 448, 512, 518, 227, 231,
                96, 64, 56, 48, 32, 28)  # fmt: skip
_PATIENCE_SECONDS = 12.0
_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
Size = tuple[int, int]


def examined(file: Path) -> bytes | str:
    """How the network in a file is read, or the reason why it cannot be used.

    The former as JSON with `metadata` and `reading`, or `texts` for a network of texts.
    """
    try:
        model = load_network(file)
        settings = read_settings(file)
        if inputs := find_text_inputs(model):
            document = {"texts": examine_texts(model, inputs, settings, file).to_json()}
        else:
            document = {"reading": examine(model, settings, file).to_json()}
        return json.dumps(document | {"metadata": metadata(model)}).encode()
    except AutoTLError as error:
        return str(error)
    except MemoryError:
        return "there is not enough memory to run it"
    except Exception as error:  # a damaged graph can make ONNX raise anything
        return f"it cannot be used: {in_one_line(error) or type(error).__name__}"


def examine(model: onnx.ModelProto, settings: NetworkSettings, file: Path) -> Reading:
    """Find how a network is read; raises ConfigError, with the reason, if it cannot be used. file: its file."""
    images = find_image_input(model, settings)
    pixels = find_pixels(model, images, settings)
    outputs = _usable_outputs(model, images)
    graphs = [(with_free_batch(model, images), 2), *([(model, 1)] if images.batch in (None, 1) else [])]
    trial = _find_size(graphs, images, settings, outputs)
    try:
        reading = _verified(trial, images, pixels, settings, outputs, model, file)
    except ConfigError:
        if trial.one_by_one or images.batch != 1:
            raise
        # The graph ran with its batch made free, but computed something else.
        trial = _find_size(graphs[1:], images, settings, outputs)
        reading = _verified(trial, images, pixels, settings, outputs, model, file)
    return replace(reading, sizes=(trial.size, *_further_sizes(model, reading, settings)))


class _Trial(NamedTuple):
    """A successful run: the graph, with its batch free or of one image, and what it was given."""

    model: onnx.ModelProto
    size: Size
    n_images: int

    @property
    def one_by_one(self) -> bool:
        return self.n_images == 1


def _verified(
    trial: _Trial,
    images: ImageInput,
    pixels: Pixels,
    settings: NetworkSettings,
    outputs: Sequence[str],
    model: onnx.ModelProto,
    file: Path,
) -> Reading:
    """How a network is read at the size of a trial, checked by computing it."""
    network = _network(trial, images, outputs, settings)
    stages = stated_stages(network, settings.outputs) if settings.outputs else find_stages(network)
    reading = Reading(images, pixels, stages, (trial.size,), trial.one_by_one)
    reading = replace(reading, shapes=_stage_shapes(network, reading), notes=tuple(_notes(model, reading)))
    verify(file, model, reading)
    return reading


def _usable_outputs(model: onnx.ModelProto, images: ImageInput) -> tuple[str, ...]:
    """The declared outputs that depend on the images alone; raises ConfigError if there are none."""
    weights = {tensor.name for tensor in model.graph.initializer}
    others = [v.name for v in model.graph.input if v.name not in weights and v.name != images.name]
    excluded = needing(model, others)
    flow = data_flow(model, images.name)
    declared = [value.name for value in model.graph.output if value.name in flow.tensors]
    usable = tuple(name for name in declared if name not in excluded)
    if not usable and declared:
        raise ConfigError(
            f"it needs {', '.join(map(repr, others))} as well as the images {images.name!r}; expected a network whose "
            "only input is the images. Export only the part that processes images."
        )
    if not usable:
        raise ConfigError(f"none of its outputs depends on the images {images.name!r}")
    return usable


def _find_size(
    graphs: Sequence[tuple[onnx.ModelProto, int]],
    images: ImageInput,
    settings: NetworkSettings,
    outputs: Sequence[str],
) -> _Trial:
    """The first size at which one of the graphs runs. graphs: with the number of images that each is given."""
    sizes, problems, sessions = _sizes_to_try(images, settings), [], []
    for graph, n_images in graphs:
        try:
            sessions.append((graph, n_images, open_session(part_for(graph, outputs))))
        except Exception as error:
            problems.append(in_one_line(error))
    deadline, tried = time.monotonic() + _PATIENCE_SECONDS, []
    for size in sizes:
        if time.monotonic() > deadline:
            break
        tried.append(f"{size[0]}x{size[1]}")
        for graph, n_images, session in sessions:
            if not (problem := _problem(session, images, n_images, size)):
                return _Trial(graph, size, n_images)
            problems.append(problem)
    advice = ". Write its 'size' in the file of the same name that ends in .json" if len(sizes) > 1 and sessions else ""
    raise ConfigError(f"ONNX Runtime cannot run it on images of {', '.join(tried)}: {problems[0].rstrip('.')}{advice}.")


def _sizes_to_try(images: ImageInput, settings: NetworkSettings) -> list[Size]:
    fixed = (images.height, images.width)
    said = settings.size
    fits = said and all(has in (None, wanted) for has, wanted in zip(fixed, said, strict=True))
    if said and settings.own and not fits:
        raise ConfigError(
            f"{settings.file} has the size {said[0]}x{said[1]}; the input {images.name!r} is of "
            f"{fixed[0] or 'any'}x{fixed[1] or 'any'}."
        )
    if said and settings.own:
        return [said]
    if any(fixed):
        height, width = fixed
        if max(height or 0, width or 0) > MOST_PIXELS:
            raise ConfigError(
                f"its input is of {height or 'any'}x{width or 'any'} pixels; expected {MOST_PIXELS} at most"
            )
        return [said] if said and fits else [(height or width or 0, width or height or 0)]
    return [*([said] if said else []), *((side, side) for side in _TRIED_SIZES)]


def _pixels(images: ImageInput, n_images: int, size: Size) -> np.ndarray[Any, Any]:
    """Noise of the type and layout that the input has."""
    noise = np.random.default_rng(0).integers(0, 256, tuple(map(int, images.shape(n_images, *size))))
    kind = helper.tensor_dtype_to_np_dtype(images.element)
    return noise.astype(kind) if kind == np.uint8 else (noise / 127.5 - 1).astype(kind)


def _problem(session: Any, images: ImageInput, n_images: int, size: Size) -> str:
    """Why a graph does not run; empty if it does."""
    try:
        session.run(None, {images.name: _pixels(images, n_images, size)})
    except Exception as error:
        return in_one_line(error) or type(error).__name__
    return ""


def _network(trial: _Trial, images: ImageInput, outputs: Sequence[str], settings: NetworkSettings) -> Network:
    """The graph with the shapes of its tensors, inferred, or measured where they cannot be."""
    model, flow = trial.model, data_flow(trial.model, images.name)
    if unknown := [name for name in settings.outputs if name not in flow.tensors]:
        near = difflib.get_close_matches(unknown[0], flow.tensors, n=3)
        raise ConfigError(
            f"{settings.file} has {unknown[0]!r} under 'outputs'; expected names of tensors that depend on the images"
            + (f", such as {', '.join(map(repr, near))}." if near else f"; its outputs are {', '.join(outputs)}.")
        )
    shapes = _inferred_shapes(model, images, trial)
    ends = cut_points(flow, deepest_output(flow, outputs))
    unsure = [name for name in (*ends, *settings.outputs) if name not in shapes]
    shapes.update(_measured_shapes(model, images, trial, dict.fromkeys((*outputs, *unsure))))
    found = layouts(flow, channels_first=images.channels_first)
    return Network(flow, shapes, found, tuple(outputs), trial.n_images, trial.size)


def _inferred_shapes(model: onnx.ModelProto, images: ImageInput, trial: _Trial) -> dict[str, tuple[int, ...]]:
    light = without_weights(model)
    for value in light.graph.input:
        if value.name == images.name:
            axes = images.shape(trial.n_images, *trial.size)
            value.CopyFrom(helper.make_tensor_value_info(images.name, images.element, axes))
    for output in light.graph.output:
        output.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(light, data_prop=True)
    found = {}
    for value in (*inferred.graph.value_info, *inferred.graph.output):
        kind = value.type.tensor_type
        if kind.elem_type in _FLOATS and kind.HasField("shape") and all(d.dim_value > 0 for d in kind.shape.dim):
            found[value.name] = tuple(d.dim_value for d in kind.shape.dim)
    return found


def _measured_shapes(
    model: onnx.ModelProto, images: ImageInput, trial: _Trial, names: Iterable[str]
) -> dict[str, tuple[int, ...]]:
    arrays = run(part_for(model, list(names)), images.name, _pixels(images, trial.n_images, trial.size))
    return {name: array.shape for name, array in arrays.items() if array.dtype.kind == "f"}


def _stage_shapes(network: Network, reading: Reading) -> dict[str, tuple[int, ...]]:
    """The shape of each stage for one image."""
    found: dict[str, tuple[int, ...]] = {}
    for stage in reading.stages:
        shape = network.shapes[stage.tensor]
        if stage.kind == "vector":
            found[stage.name] = (max(shape[1:]),)
        elif stage.kind == "map":
            found[stage.name] = (*network.positions(stage.tensor), network.channels(stage.tensor))
        elif stage.kind == "class token":
            found[stage.name] = (shape[2],)
        else:
            rows = network.size[0] // stage.patch[0] if stage.patch[0] else shape[1 - stage.batch_axis] - stage.prefix
            columns = network.size[1] // stage.patch[1] if stage.patch[1] else 1
            found[stage.name] = (rows, columns, shape[2])
    return found


def _further_sizes(model: onnx.ModelProto, reading: Reading, settings: NetworkSettings) -> list[Size]:
    """Further sizes that the graph takes. None for a graph with tokens: their number depends on the size."""
    fixed = (settings.own and settings.size) or reading.images.height or reading.images.width or reading.one_by_one
    if fixed or any(stage.kind not in ("map", "vector") for stage in reading.stages):
        return []
    session = open_session(encoder_graph(model, reading, "height", "width"))
    found = []
    for side in FURTHER_SIZES:
        if (side, side) != reading.sizes[0]:
            with suppress(Exception):
                arrays = session.run(None, {IMAGES: np.zeros((1, side, side, 3), np.uint8)})
                widths = [array.shape[-1] for array in arrays]
                if widths == [shape[-1] for shape in reading.shapes.values()]:
                    found.append((side, side))
    return found


def _notes(model: onnx.ModelProto, reading: Reading) -> list[str]:
    """What is worth knowing about how it is read."""
    notes = []
    if reading.one_by_one:
        notes.append("its graph takes one image at a time, which is slower: export it with a free batch axis")
    if domains := describe_domains(model):
        notes.append(f"it uses operators of {', '.join(domains)}, which not every runtime has")
    return notes
