"""Conformance checks for encoders, and for formats that open them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from autotl.errors import ConfigError, WeightsError
from autotl.interfaces import Encoder, EncoderFormat, Size, TextEncoder, WordCounts
from autotl.testing.support import doing, named, require, require_sizes, require_sound_outputs
from autotl.testing.text_encoders import check_text_graph, require_text_sizes

if TYPE_CHECKING:
    import onnx


def check_encoder(encoder: Encoder) -> None:
    """Check the name, sizes, licence and, at each size, the graph: its input, stages and numbers.

    Of an encoder of texts, also its tokenizer, empty texts, and texts that are read in chunks.
    Raises AssertionError, also where what the encoder needs is not there.
    """
    subject = named(encoder, "encoder")
    require_sizes(subject, encoder.sizes)
    if isinstance(encoder, TextEncoder):
        require_text_sizes(subject, encoder)
    require(
        encoder.commercial or encoder.licence,
        f"{subject}: commercial is False; say in `licence` which licence forbids it",
    )
    if isinstance(encoder, WordCounts):  # the graph is made of the texts of a run
        _check_lengths(subject, encoder)
        return
    stages = {size: _check_graph(subject, encoder, size) for size in encoder.sizes}
    first = stages[encoder.sizes[0]]
    for size, found in stages.items():
        require(
            found == first,
            f"{subject}: the outputs are {first}, and {found} at {size[0]}x{size[1]}; give them fixed names",
        )


def _check_lengths(subject: str, counts: WordCounts) -> None:
    """Check what is counted."""
    for name, lengths in (("words", counts.words), ("characters", counts.characters)):
        sound = len(lengths) == 2 and all(isinstance(n, int) for n in lengths) and 1 <= lengths[0] <= lengths[1]
        require(sound, f"{subject}: {name} is {lengths!r}; expected the least and the greatest length of n-grams")
    require(counts.most >= 1, f"{subject}: most is {counts.most}; expected at least one entry of each stage")
    require(tuple(counts.sizes) == ((1, 1),), f"{subject}: sizes is {counts.sizes!r}; expected ((1, 1),)")


def _check_graph(subject: str, encoder: Encoder, size: Size) -> list[str]:
    """Compute pooled outputs at one size; returns the names of the stages."""
    subject = f"{subject} at {size[0]}x{size[1]}"
    try:
        with doing(f"{subject}: graph", WeightsError):
            graph, again = encoder.graph(*size), encoder.graph(*size)
    except WeightsError as error:
        require(str(error), f"{subject}: WeightsError must say what is expected, and where")
        raise AssertionError(f"{subject}: it cannot be checked without its weights: {error}") from error
    found = type(graph).__name__
    require(found == "ModelProto", f"{subject}: graph returned {found}; expected an onnx.ModelProto")
    require(
        graph.SerializeToString(deterministic=True) == again.SerializeToString(deterministic=True),
        f"{subject}: graph returned another graph the second time; it is part of the key of the feature cache",
    )
    if isinstance(encoder, TextEncoder):
        check_text_graph(subject, encoder, size, graph)
    else:
        _check_image_graph(subject, size, graph)
    return [value.name for value in graph.graph.output]


def _check_image_graph(subject: str, size: Size, graph: onnx.ModelProto) -> None:
    from autotl.features.frozen_network import open_session
    from autotl.graphs.pooled_outputs import pool_outputs

    try:
        with doing(f"{subject}: its graph", ValueError):
            pooled, widths = pool_outputs(graph, size)
            session = open_session(pooled.SerializeToString(), threads=1)
    except ValueError as error:
        raise AssertionError(f"{subject}: {error}") from error
    pixels = np.random.default_rng(0).integers(0, 256, (3, *size, 3)).astype(np.uint8)
    pixels[0], pixels[1] = 0, 255
    with doing(f"{subject}: computing pixels 0..255"):
        together = session.run(list(widths), {"images": pixels})
        alone = [session.run(list(widths), {"images": pixels[i : i + 1]}) for i in range(len(pixels))]
    require_sound_outputs(
        subject, widths, together, alone, item="an image", different="black, white and noise",
        hint=" on pixels 0..255; is the preprocessing inside?",
    )  # fmt: skip


def check_encoder_format(given: EncoderFormat) -> None:
    """Check the name and the example, and that names of other formats, and of nothing, are not opened."""
    subject = named(given, "encoder format")
    require(isinstance(given.example, str) and given.example, f"{subject}: say in `example` what a user writes")
    with doing(f"{subject}: open('efficientnet-lite0')"):
        found = given.open("efficientnet-lite0")
    require(found is None, f"{subject}: it opened 'efficientnet-lite0', which is the name of a backbone; return None")
    missing = given.example.replace("FILE", "/no/such/file").replace("NAME", "no-such-name")
    try:
        with doing(f"{subject}: open({missing!r})", ConfigError, WeightsError):
            found = given.open(missing)
    except (ConfigError, WeightsError) as error:
        require(str(error), f"{subject}: the error for {missing!r} must say what is missing")
        return
    require(found is None, f"{subject}: it opened {missing!r}, which does not exist")
