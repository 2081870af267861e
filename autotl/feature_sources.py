"""What features can be read from: networks, encoders of images and of texts, and word counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from autotl.crops import Crop

if TYPE_CHECKING:
    import keras
    import onnx

Size: TypeAlias = tuple[int, int]
"""(height, width) in pixels; of a text, (1, n) for n tokens that are read at a time."""
NOT_COMMERCIAL = "may not be used commercially"
"""What is said of a source whose licence forbids it."""


@dataclass(frozen=True)
class Backbone:
    """A pretrained network whose stages can be read, and fine-tuned.

    build(height, width): a functional `keras.Model` with one input of pixels in 0..255, float32
        (n, height, width, 3), preprocessing inside, and one output of shape (n, h, w, channels) per stage,
        shallow to deep; the name of the layer that makes an output is the name of the stage.
    weights(download): the local file with the pretrained weights; it is part of the feature cache's key.
        It may fetch the file only where `download` is true, and raises WeightsError if the file is not available.
    sizes: the input sizes worth trying; the first is the default.
    embedded: the weights came with the installation, so the backbone takes part in every search by default.
    trained_on(): what the weights on this machine were trained on, such as "ImageNet", as the model card says it; empty
        where that is not known for sure.
    source, licence, commercial, crop: as of an `Encoder`.
    """

    modality: ClassVar[str] = "image"
    name: str
    build: Callable[[int, int], keras.Model]
    weights: Callable[[bool], Path]
    sizes: tuple[Size, ...]
    embedded: bool = False
    trained_on: Callable[[], str] = lambda: ""
    source: str = ""
    licence: str = ""
    commercial: bool = True
    crop: Crop | None = None


@dataclass(frozen=True)
class Encoder:
    """A frozen function from images to vectors, given as an ONNX graph: it is read like a backbone, never fine-tuned.

    graph(height, width): a graph with one input `images`, uint8 (n, height, width, 3), RGB, and preprocessing inside;
        one float32 output per stage, shallow to deep, named as the stage: a map (n, h, w, channels), which is pooled,
        or a vector (n, n_features). It raises WeightsError if what it needs is not available.
    sizes: the input sizes that it takes; the first is the default.
    embedded: it came with the installation, so it takes part in every search by default.
    source: where it comes from; licence: its licence, SPDX where there is an identifier; both as the model card says
        them, empty if unknown. commercial: whether the licence allows commercial use; if not, the encoder takes part
        only when it is asked for by name, and a run says so first.
    crop: cuts the images before they are read; plugins leave it None, see `cropped`.
    """

    modality: ClassVar[str] = "image"
    name: str
    graph: Callable[[int, int], onnx.ModelProto]
    sizes: tuple[Size, ...]
    embedded: bool = False
    source: str = ""
    licence: str = ""
    commercial: bool = True
    crop: Crop | None = None


@dataclass(frozen=True)
class TextEncoder(Encoder):
    """A frozen function from texts to vectors: a tokenizer and an ONNX graph.

    graph(1, n_tokens): a graph with the inputs `ids` and `mask`, both int64 (n, length), length at most n_tokens; mask
        is 1 for a token and 0 for padding. One float32 output per stage, named as the stage: a vector (n, n_features),
        or one vector per token (n, length, n_features), which is pooled over the tokens.
    sizes: (1, n_tokens), how many tokens the graph takes at a time; a longer text is read in chunks, whose vectors are
        pooled.
    tokenizer(): the tokenizer, in the JSON of the `tokenizers` library; padding and truncation in it are ignored.
    unknown: the token that stands for all that the tokenizer does not know; such tokens are counted, and left out if
        `skip_unknown`.
    """

    modality: ClassVar[str] = "text"
    tokenizer: Callable[[], str] = lambda: ""
    unknown: str = ""
    skip_unknown: bool = False


@dataclass(frozen=True)
class ClipEncoder(Encoder):
    """An image backbone or encoder that reads clips: a few frames of each, whose features are pooled over the frames.

    frames: reads each frame. motion: whether how the frames change is read, too; otherwise their order does not count.
    """

    modality: ClassVar[str] = "clip"
    frames: Backbone | Encoder = field(kw_only=True)
    motion: bool = False


@dataclass(frozen=True)
class WordCounts(Encoder):
    """Counts of words and of strings of characters, which heads read weighted by TF-IDF.

    Heads that take sparse matrices fit the weights in each fold; for others they are fitted once, on the development
    items without their labels.

    words, characters: the least and greatest length of word n-grams and of character n-grams within words. They are
        the stages `words` and `characters`. most: entries of the vocabulary of each stage, the most frequent ones.
    """

    modality: ClassVar[str] = "text"
    graph: Callable[[int, int], onnx.ModelProto] = lambda _height, _width: _no_graph()  # before texts are counted
    sizes: tuple[Size, ...] = ((1, 1),)
    words: tuple[int, int] = (1, 2)
    characters: tuple[int, int] = (2, 5)
    most: int = 50_000


def _no_graph(_height: int = 1, _width: int = 1) -> onnx.ModelProto:
    raise TypeError("this source has no graph of its own: see `features.word_counts` and `features.clip_network`")


@dataclass(frozen=True)
class EncoderFormat:
    """Opens encoders that a user names by a file, or by a name with a prefix such as `timm:resnet18`.

    open(name): the encoder, under that name; None if the name is not of this format. Raises ConfigError if the file
        is missing or holds no network that can be used, WeightsError if a package or weights are missing.
    example: what a user writes, such as "FILE.onnx".
    """

    name: str
    open: Callable[[str], Encoder | None]
    example: str


@dataclass(frozen=True)
class Joined:
    """Sources that read the parts of composed items, such as an image and its text, side by side; never fine-tuned.

    modality: of the composed items. parts: a source for each part; the first is read at the size that was chosen, the
    others at their own. sizes: of the first. BETWEEN: separates their names in its name.
    """

    BETWEEN: ClassVar[str] = "+"
    name: str
    modality: str
    parts: tuple[Backbone | Encoder, ...]
    sizes: tuple[Size, ...]

    def places(self, size: Size) -> tuple[tuple[Backbone | Encoder, Size], ...]:
        """Each part with the size at which it is read."""
        first, *others = self.parts
        return ((first, size), *((part, part.sizes[0]) for part in others))

    @property
    def embedded(self) -> bool:
        """Whether all parts came with the installation."""
        return all(part.embedded for part in self.parts)

    @property
    def commercial(self) -> bool:
        """Whether all licences allow commercial use."""
        return all(part.commercial for part in self.parts)

    @property
    def source(self) -> str:
        """Where the parts come from."""
        return "; ".join(f"{part.name}: {part.source or 'not known here'}" for part in self.parts)

    @property
    def licence(self) -> str:
        """The licences of the parts."""
        return "; ".join(f"{part.name}: {part.licence or 'not known here'}" for part in self.parts)


MOTION = "-motion"
"""Ends the name of a source of clips that also reads how their frames change, as in "efficientnet-lite0-motion"."""


def of_clips(source: Backbone | Encoder, *, motion: bool = False) -> ClipEncoder:
    """The source that reads the frames of clips with an image backbone or encoder."""
    return ClipEncoder(
        f"{source.name}{MOTION if motion else ''}", _no_graph, source.sizes, source.embedded, source.source,
        source.licence, source.commercial, frames=source, motion=motion,
    )  # fmt: skip


CROPPED = "@"
"""Separates the name of a backbone from that of the crop whose images it reads, as in "efficientnet-lite0@faces"."""


def cropped(source: Backbone | Encoder, crop: Crop) -> Backbone | Encoder:
    """The source that reads what a crop finds in the images; it may be used commercially where both may."""

    def both(of_source: str, of_crop: str) -> str:
        return f"{of_source or 'not known here'}; {crop.name}: {of_crop}" if of_crop else of_source

    return replace(
        source, name=f"{source.name}{CROPPED}{crop.name}", crop=crop, embedded=source.embedded and crop.default,
        commercial=source.commercial and crop.commercial, source=both(source.source, crop.source),
        licence=both(source.licence, crop.licence),
    )  # fmt: skip


def uncropped(source: Backbone | Encoder) -> Backbone | Encoder:
    """The source that reads whole images."""
    if source.crop is None:
        return source
    return replace(source, name=source.name.removesuffix(f"{CROPPED}{source.crop.name}"), crop=None)


FeatureSource: TypeAlias = Backbone | Encoder | Joined
"""What features can be read from."""


def parts_of(source: FeatureSource) -> tuple[Backbone | Encoder, ...]:
    """The sources that a source consists of: the parts of a joined one, else itself."""
    return source.parts if isinstance(source, Joined) else (source,)
