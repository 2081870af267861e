"""The one decoder: training, the app and every exported model turn an image file into the same pixels.

Formats: JPEG, PNG, WEBP, BMP, TIFF, GIF, AVIF and PNM (PPM, PGM, PBM), and HEIC where `autotl[heif]` is installed; of
several frames or pages the first counts. The EXIF orientation is applied; an ICC profile is converted to sRGB (relative
colorimetric, with black point compensation), a damaged one is ignored; transparent images get a white background;
16-bit grey is scaled to 8 bits; the entries of a TIFF's palette may have 8 bits instead of 16. Everything else is
refused. No decode needs more than 1 GiB, and all threads share that much.

An exported model carries a copy of this file, so it imports the standard library, numpy and Pillow, nothing more
(pi-heif only for a HEIC file, where it is installed).
"""

from __future__ import annotations

import importlib
import io
import re
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageChops,
    ImageFile,
    ImagePalette,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

if TYPE_CHECKING:
    from PIL import ImageCms

DECODER_VERSION = 3
"""Changes whenever the same file would give other pixels; caches and models record it."""

MAX_PIXELS = 89_478_485
"""Most pixels decoded at once (Pillow's own limit for decompression bombs); some formats reach MAX_BYTES before."""

MAX_BYTES = 896 << 20
"""Most bytes all decodes hold together; the rest of 1 GiB is for Python, numpy, Pillow and memory they keep."""

HEIC = re.compile(rb"....ftyp(he[iv][cmsx]|m(if|sf)1)", re.DOTALL)
"""How a HEIC file begins."""

ImageSource: TypeAlias = bytes | Path | str
Size: TypeAlias = tuple[int, int]

# Opened by class and not by `Image.open`, which would try unwanted formats, and refuse a photo of 108 megapixels for
# its full size although a JPEG is decoded at a fraction of it.
FORMATS: tuple[tuple[re.Pattern[bytes], str, type[ImageFile.ImageFile] | None], ...] = (
    (re.compile(rb"\xff\xd8\xff"), ".jpg", JpegImagePlugin.JpegImageFile),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), ".png", PngImagePlugin.PngImageFile),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), ".webp", WebPImagePlugin.WebPImageFile),
    (re.compile(rb"BM"), ".bmp", BmpImagePlugin.BmpImageFile),
    (re.compile(rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]"), ".tif", TiffImagePlugin.TiffImageFile),
    (re.compile(rb"GIF8[79]a"), ".gif", GifImagePlugin.GifImageFile),
    (re.compile(rb"P[1-6][\s#]"), ".ppm", PpmImagePlugin.PpmImageFile),
    # Files of a general brand name their format only in the list of compatible brands that follows.
    (re.compile(rb"....ftyp(avi[fs]|m(if|sf)1.*avi[fs])", re.DOTALL), ".avif", AvifImagePlugin.AvifImageFile),
    (HEIC, ".heic", None),
)
MAGIC_BYTES = 64
# Bytes per pixel that these decoders hold besides the image, measured: canvases, planes and internal copies.
_BYTES_PER_PIXEL = {"WEBP": 14, "AVIF": 14, "HEIF": 10}
# These read the whole file into memory and copy it, the others stream it (None: HEIC).
_READ_WHOLE = (WebPImagePlugin.WebPImageFile, AvifImagePlugin.AvifImageFile, None)
_MAX_WHOLE_FILE = 128 << 20
_TILE = 1024
_BLOCK_BYTES = 64 << 20
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadableImage(ValueError):  # noqa: N818, it names the case and not the error
    """A file that cannot be turned into pixels; the message is the plain reason, without the file's name."""


def decode(source: ImageSource, height: int, width: int) -> NDArray[np.uint8]:
    """Read an image file into the pixels a model sees.

    source: the file's bytes, or its path. Returns uint8 (height, width, 3), RGB, upright, resized to the size from
    any shape, with an antialiased bicubic filter, on a white background. Raises UnreadableImage.
    """
    at_least = (2 * height, 2 * width)
    with open_header(source) as image, reserve_memory(image, source, at_least):
        loaded = load_reduced(image, at_least)
        size = (height, width) if loaded.sideways else (width, height)
        # Resized before it is turned and converted, which then costs next to nothing.
        resized = loaded.image.resize(size, Image.Resampling.BICUBIC, box=loaded.extent)
        return np.array(upright_srgb(loaded._replace(image=resized)), dtype=np.uint8)


def open_image(source: ImageSource, *, at_least: Size | None = None) -> Image.Image:
    """Open an image file: upright, RGB in sRGB, on white, in memory, without metadata.

    at_least: (height, width) that it is shrunk to by a whole factor and not below; None decodes at full size.
    Raises UnreadableImage.
    """
    with open_header(source) as image, reserve_memory(image, source, at_least):
        return upright_srgb(load_reduced(image, at_least))


@contextmanager
def open_header(source: ImageSource) -> Iterator[ImageFile.ImageFile]:
    """Open a file and read its header; any error here or in the block becomes an UnreadableImage."""
    try:
        if isinstance(source, bytes):
            file: BinaryIO = io.BytesIO(source)
        elif stat.S_ISREG(Path(source).stat().st_mode):  # a pipe would block for ever
            file = Path(source).open("rb")  # noqa: SIM115, closed below
        else:
            raise UnreadableImage("it is not a file")
        with file:
            _prepare_pillow()
            yield _opener(file)(file)
    except UnreadableImage:
        raise
    except FileNotFoundError:
        raise UnreadableImage("there is no such file") from None
    except PermissionError:
        raise UnreadableImage("it cannot be read (permission denied)") from None
    except MemoryError as error:
        raise UnreadableImage("it needs more memory than is available") from error
    # Decoders raise almost any exception on hostile bytes: OSError, SyntaxError, ValueError, struct.error, ...
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UnreadableImage(f"it is damaged, cut short or of an unsupported kind ({reason})") from error


def _opener(file: BinaryIO) -> type[ImageFile.ImageFile]:
    start = file.read(MAGIC_BYTES)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    for magic, _, opener in FORMATS:
        if magic.match(start):
            if opener in _READ_WHOLE and size > _MAX_WHOLE_FILE:
                limit = _MAX_WHOLE_FILE >> 20
                raise UnreadableImage(f"it has {size >> 20} MiB, and the limit of its format is {limit}")
            return opener or _heif_opener()
    found = "not a JPEG, PNG, WEBP, BMP, TIFF, GIF, AVIF, PNM or HEIC image" if start else "empty (0 bytes)"
    raise UnreadableImage(f"it is {found}")


def _heif_opener() -> type[ImageFile.ImageFile]:
    try:
        # Only the class: `register_heif_opener` would change what Pillow opens in the whole process.
        opener = importlib.import_module("pi_heif").HeifImageFile
    except ImportError:
        remedy = 'to read it, install autotl[heif] (pip install "autotl[heif]")'
        raise UnreadableImage(f"it is a HEIC image; {remedy}") from None
    return cast("type[ImageFile.ImageFile]", opener)


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where there is none or a damaged one."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile) and image.info.keys().isdisjoint(
        ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif")
    ):
        return 1  # `getexif` would decode a whole PNG to look for it, and takes time for the others
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a damaged EXIF block says nothing about the pixels
        return 1
    return value if value in _UPRIGHT else 1


class _Memory:
    """Bytes shared by decodes in all threads; a thread waits until enough are free."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._changed = threading.Condition()

    @contextmanager
    def borrowed(self, size: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._free >= size)
            self._free -= size
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()


_memory = _Memory(MAX_BYTES)


@contextmanager
def reserve_memory(image: ImageFile.ImageFile, source: ImageSource, at_least: Size | None) -> Iterator[None]:
    """Set a JPEG to reduced scale, refuse an image that is too large, and wait until its memory is free."""
    whole = image.width * image.height
    extra = held = _extra_bytes(image)
    if isinstance(image, JpegImagePlugin.JpegImageFile) and at_least is not None:
        height, width = at_least[::-1] if orientation_of(image) >= 5 else at_least
        image.draft(None, (width, height))
        if not held:  # otherwise it is held at full size at any scale
            whole = image.width * image.height
    pixels = 4 * image.width * image.height
    extra += 16 * min(image.width * image.height, _TILE * _TILE)
    # At full size, turning and converting hold a second copy; Pillow turns a TIFF before it can be shrunk.
    twice = at_least is None or (isinstance(image, TiffImagePlugin.TiffImageFile) and orientation_of(image) != 1)
    need = max(pixels + extra, 2 * pixels if twice else 0)
    room = MAX_BYTES - (len(source) if isinstance(source, bytes) else 0)
    limit = max(0, min(MAX_PIXELS, whole * room // need))
    if whole > limit:
        raise UnreadableImage(
            f"it has {round(whole / 1e6)} megapixels to decode, and the limit is {round(limit / 1e6)}"
        )
    with _memory.borrowed(need):
        try:
            yield
        finally:
            _release(image)


def _release(image: ImageFile.ImageFile) -> None:
    """Free the memory of an image at once, before another one takes it."""
    image.close()
    for canvases in ("_decoder", "_heif_file"):  # where WebP, AVIF and HEIC keep them
        image.__dict__.pop(canvases, None)


def _extra_bytes(image: ImageFile.ImageFile) -> int:
    """What the decoder holds at its peak, besides the image that it makes."""
    pixels = image.width * image.height
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        return 2 * image.layers * pixels if _in_several_scans(image) else 0
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.info["compression"] != "raw":
        # One strip or tile, which a hostile file may declare larger than the image.
        tags = image.tag_v2
        rows = min(tags.get(TiffImagePlugin.ROWSPERSTRIP, image.height), max(image.size))
        chunk = tags.get(TiffImagePlugin.TILEWIDTH, max(image.size)) * tags.get(TiffImagePlugin.TILELENGTH, rows)
        bits = max(tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))) * tags.get(TiffImagePlugin.SAMPLESPERPIXEL, 4)
        packed = max(tags.get(TiffImagePlugin.STRIPBYTECOUNTS) or tags.get(TiffImagePlugin.TILEBYTECOUNTS, (0,)))
        return int(chunk * bits // 8 + min(packed, _file_bytes(image)))
    if image.format in _BYTES_PER_PIXEL:
        return _BYTES_PER_PIXEL[image.format] * pixels + 2 * _file_bytes(image)
    return 0


def _file_bytes(image: ImageFile.ImageFile) -> int:
    return image.fp.seek(0, io.SEEK_END) if image.fp else 0


def _in_several_scans(image: JpegImagePlugin.JpegImageFile) -> bool:
    """Whether the coefficients of the whole JPEG are held until its last scan: a progressive one, and rare others."""
    assert image.fp is not None
    # The plugin has just read the header of the first scan, which counts its components.
    length = 8 + 2 * image.layers
    image.fp.seek(-length, io.SEEK_CUR)
    scan = image.fp.read(length)
    return "progressive" in image.info or scan[:5] != bytes((0xFF, 0xDA, 0, length - 2, image.layers))


class LoadedImage(NamedTuple):  # a dataclass cannot be created in the module of an exported model
    """An image (L, RGB or CMYK) as stored, perhaps reduced.

    extent: (left, top, right, bottom) of the part that shows the image: the last row and column may do so in part.
    orientation: EXIF, 1 to 8. profile: ICC.
    """

    image: Image.Image
    extent: tuple[float, float, float, float]
    orientation: int
    profile: bytes

    @property
    def sideways(self) -> bool:
        """Whether width and height are exchanged when it is turned upright."""
        return self.orientation >= 5


def load_reduced(image: ImageFile.ImageFile, at_least: Size | None) -> LoadedImage:
    """Decode an image, and shrink it by a whole factor to no less than (height, width) upright."""
    if image.mode == "F":
        raise UnreadableImage("its floating-point pixels have no known range; save it with 8 or 16 bits")
    _mend_palette(image)
    image.load()
    # Read after loading, because a PNG may hold it at its end, and Pillow has turned a TIFF by now.
    orientation = orientation_of(image)
    profile = image.info.get("icc_profile")
    width, height = image.size
    factor = 1
    if at_least:
        rows, columns = at_least[::-1] if orientation >= 5 else at_least
        factor = max(1, min(height // rows, width // columns))
    reduced = _reduced(image, factor)
    extent = (0, 0, width / factor, height / factor)
    return LoadedImage(reduced, extent, orientation, profile if isinstance(profile, bytes) else b"")


def _mend_palette(image: ImageFile.ImageFile) -> None:
    """Read the palette of a TIFF whose entries have 8 bits instead of 16, as every viewer does; else it is black."""
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.mode == "P":
        entries = image.tag_v2.get(TiffImagePlugin.COLORMAP, ())
        if 0 < max(entries, default=0) < 256:
            image.palette = ImagePalette.raw("RGB;L", bytes(entries))


def _reduced(image: ImageFile.ImageFile, factor: int) -> Image.Image:
    """The image without transparency, as L, RGB or CMYK; by tiles, so that no second copy is held at full size."""
    if image.mode in ("L", "RGB", "CMYK") and not image.has_transparency_data:
        return image.reduce(factor) if factor > 1 else image
    width, height = image.size
    mode = "L" if Image.getmodebase(image.mode) == "L" else "RGB"
    reduced = Image.new(mode, (-(-width // factor), -(-height // factor)))
    edge = factor * max(1, _TILE // factor)
    for top in range(0, height, edge):
        for left in range(0, width, edge):
            tile = image.crop((left, top, min(left + edge, width), min(top + edge, height)))
            reduced.paste(_flat(tile, mode).reduce(factor), (left // factor, top // factor))
    image.close()
    return reduced


def _flat(tile: Image.Image, mode: str) -> Image.Image:
    if tile.mode.startswith("I"):
        return _eight_bits(tile)
    if not tile.has_transparency_data:
        return tile.convert(mode)
    colours = tile.convert("LA" if mode == "L" else "RGBA")
    paper = Image.new(mode, tile.size, "white")
    paper.paste(colours, mask=colours.getchannel("A"))
    return paper


def _eight_bits(tile: Image.Image) -> Image.Image:
    """Scale grey of 16 bits, which Pillow would clip at 255."""
    values = np.asarray(tile)
    if values.min() < 0 or values.max() > 65535:
        raise UnreadableImage("its 32-bit pixels have no known range; save it with 8 or 16 bits")
    grey = ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    grey[values == tile.info.get("transparency", -1)] = 255
    return Image.fromarray(grey)


def upright_srgb(loaded: LoadedImage) -> Image.Image:
    """Convert an image to sRGB and turn it upright; each replaced copy is freed at once, since it may be large."""
    image = loaded.image
    transform = _to_srgb(loaded.profile, image.mode) if loaded.profile else None
    if transform is not None or image.mode != "RGB":
        converted = transform.apply(image) if transform is not None else image.convert("RGB")
        image.close()
        image = converted
    if loaded.orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[loaded.orientation])
    elif isinstance(image, ImageFile.ImageFile):
        image = image.copy()  # free of its file
    image.info = {}
    return image


@lru_cache(maxsize=16)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The conversion of L, RGB or CMYK pixels into sRGB; None if none is needed or the profile is unusable."""
    from PIL import ImageCms

    space = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}[mode]
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if opened.profile.xcolor_space.strip() != space:
            return None
        transform = ImageCms.ImageCmsTransform(
            opened,
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return None if _changes_nothing(transform, mode) else transform
    except Exception:  # a damaged profile says nothing about the pixels
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    # Tried on pixels, because the many sRGB profiles agree neither in their bytes nor in their names.
    ramp = Image.linear_gradient("L").reduce(8)
    colours = Image.merge("RGB", (ramp, ramp.rotate(90), ramp.rotate(180))).convert(mode)
    difference = ImageChops.difference(transform.apply(colours), colours.convert("RGB"))
    return all(high <= 2 for _, high in cast("tuple[tuple[int, int], ...]", difference.getextrema()))


def _prepare_pillow() -> None:
    # In Pillow's usual blocks of 16 MiB, freed images stay in the C library's heaps, one for each thread; glibc returns
    # blocks above 32 MiB at once. Measured with 8 threads: 0.8 GiB instead of 1.4.
    core = Image.core  # type: ignore[attr-defined]
    if core.get_block_size() < _BLOCK_BYTES:
        core.set_block_size(_BLOCK_BYTES)
    # Damaged EXIF and TIFF tags are common and change no pixel. The filter stays in place because
    # `warnings.catch_warnings` is not thread-safe, and most decoding happens in threads.
    rule = ("ignore", None, UserWarning, re.compile(r"PIL\.(Tiff|Png|Jpeg)ImagePlugin"), 0)
    if rule not in warnings.filters:
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.(Tiff|Png|Jpeg)ImagePlugin")
