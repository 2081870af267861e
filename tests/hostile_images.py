"""Seeded damage to valid image files of every format the decoder reads: flipped bits, lying headers, lost chunks."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

_HUGE = (0, 1, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)
_MAGICS = (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\0\1\0\0WEBPVP8 ", b"BM", b"II*\0", b"MM\0*", b"GIF89a")

Mutation = Callable[[bytes, np.random.Generator], bytes]


def valid_images() -> dict[str, bytes]:
    """One small valid file of each kind, name -> bytes."""
    ramp = np.linspace(0, 255, 60 * 44 * 3).reshape(44, 60, 3)
    photo = Image.fromarray((ramp + 40 * np.sin(ramp * 9)).clip(0, 255).astype(np.uint8))
    grey = photo.convert("L")
    clear = photo.copy()
    clear.putalpha(grey)
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = 6, "Camera 1000"
    moving = {"save_all": True, "append_images": [photo.rotate(90), photo.rotate(180)]}
    return {
        "jpeg baseline": _saved(photo, "JPEG"),
        "jpeg progressive": _saved(photo, "JPEG", progressive=True),
        "jpeg cmyk": _saved(photo.convert("CMYK"), "JPEG"),
        "jpeg exif": _saved(photo, "JPEG", exif=exif),
        "png rgb": _saved(photo, "PNG", exif=exif),
        "png rgba": _saved(clear, "PNG"),
        "png palette": _saved(photo.quantize(16), "PNG", transparency=3),
        "png 16 bits": _saved(deep, "PNG"),
        "png interlaced": _interlaced_png(),
        "png animated": _saved(photo, "PNG", **moving),
        "webp lossy": _saved(photo, "WEBP", exif=exif.tobytes()),
        "webp lossless": _saved(clear, "WEBP", lossless=True),
        "webp animated": _saved(photo, "WEBP", **moving),
        "gif animated": _saved(photo, "GIF", **moving),
        "tiff raw": _saved(photo, "TIFF", exif=exif),
        "tiff lzw": _saved(clear, "TIFF", compression="tiff_lzw"),
        "tiff deflate": _saved(deep, "TIFF", compression="tiff_adobe_deflate"),
        "tiff jpeg": _saved(photo, "TIFF", compression="jpeg"),
        "tiff tiled": _tiled_tiff(),
        "bmp": _saved(photo, "BMP"),
        "bmp palette": _saved(photo.quantize(16), "BMP"),
        "avif": _saved(photo, "AVIF", exif=exif.tobytes()),
    }


def mutations(seed: int, n: int) -> Iterator[tuple[str, bytes]]:
    """Yield n damaged files as (what was done to what, bytes); the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    sources = valid_images()
    names = list(sources)
    for number in range(n):
        name = names[number % len(names)]
        data, done = sources[name], []
        for _ in range(int(rng.integers(1, 4))):
            mutation = _MUTATIONS[int(rng.integers(len(_MUTATIONS)))]
            done.append(mutation.__name__.strip("_"))
            data = mutation(data, rng) or b"\0"
        yield f"{seed}.{number} {name}: {', '.join(done)}", data


def _flip_bits(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for place in rng.integers(0, len(data), int(rng.integers(1, 9))):
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _overwrite_run(data: bytes, rng: np.random.Generator) -> bytes:
    start, length = int(rng.integers(len(data))), int(rng.integers(1, 65))
    run = rng.bytes(length) if rng.random() < 0.5 else bytes([int(rng.integers(256))]) * length
    return (data[:start] + run + data[start + length :])[: max(len(data), start + 1)]


def _truncate(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: int(rng.integers(len(data)))]


def _remove_run(data: bytes, rng: np.random.Generator) -> bytes:
    start, length = int(rng.integers(len(data))), int(rng.integers(1, 200))
    return data[:start] + data[start + length :]


def _repeat_run(data: bytes, rng: np.random.Generator) -> bytes:
    start, length = int(rng.integers(len(data))), int(rng.integers(1, 200))
    return data[: start + length] + data[start : start + length] * int(rng.integers(1, 20)) + data[start + length :]


def _move_chunks(data: bytes, rng: np.random.Generator) -> bytes:
    """Repeat, lose or swap whole chunks, segments or boxes."""
    chunks = _chunks(data)
    place, other = (int(index) for index in rng.integers(0, len(chunks), 2))
    what = int(rng.integers(3))
    if what == 0:
        chunks.insert(other, chunks[place])
    elif what == 1:
        del chunks[place]
    else:
        chunks[place], chunks[other] = chunks[other], chunks[place]
    return b"".join(chunks)


def _lie_about_size(data: bytes, rng: np.random.Generator) -> bytes:
    """Put a huge or empty size where the format keeps it."""
    value = _HUGE[int(rng.integers(len(_HUGE)))]
    if data.startswith(b"\x89PNG"):
        lie = _put(data, int(rng.choice([16, 20])), struct.pack(">I", value))
        return _put(lie, 29, struct.pack(">I", zlib.crc32(lie[12:29])))
    if data.startswith(b"GIF8"):
        return _put(data, int(rng.choice([6, 8])), struct.pack("<I", value)[:2])
    if data.startswith(b"RIFF"):
        return _put(data, int(rng.choice([24, 27])), struct.pack("<I", value)[:3])
    if data.startswith(b"BM"):
        return _put(data, int(rng.choice([10, 14, 18, 22, 46])), struct.pack("<I", value))
    if data.startswith(b"\xff\xd8"):
        frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"), 0)
        return _put(data, frame + int(rng.choice([5, 7])), struct.pack("<I", value)[:2])
    if data[4:8] == b"ftyp":
        return _put(data, data.find(b"ispe") + int(rng.choice([8, 12])), struct.pack(">I", value))
    # A TIFF that Pillow writes keeps its tags at 8: number, type, count and value of each.
    return _put(data, 10 + 12 * int(rng.integers(12)) + int(rng.choice([0, 2, 4, 8])), struct.pack("<I", value))


def _put(data: bytes, place: int, value: bytes) -> bytes:
    return (data[:place] + value + data[place + len(value) :])[: len(data)]


def _append_another(data: bytes, rng: np.random.Generator) -> bytes:
    return data + data[int(rng.integers(len(data))) :]


def _swap_magic(data: bytes, rng: np.random.Generator) -> bytes:
    magic = _MAGICS[int(rng.integers(len(_MAGICS)))]
    return magic + data[len(magic) :]


_MUTATIONS: tuple[Mutation, ...] = (
    _flip_bits,
    _overwrite_run,
    _truncate,
    _remove_run,
    _repeat_run,
    _move_chunks,
    _lie_about_size,
    _append_another,
    _swap_magic,
)


def _chunks(data: bytes) -> list[bytes]:
    """Cut where the format does, and evenly where it has no chunks; joined they are the file again."""
    if data.startswith(b"\x89PNG"):
        header, start, after = ">I", 8, 12
    elif data.startswith(b"RIFF"):
        header, start, after = "<4xI", 12, 8
    elif data[4:8] == b"ftyp":
        header, start, after = ">I", 0, 0
    elif data.startswith(b"\xff\xd8"):
        header, start, after = ">2xH", 2, 2
    else:
        step = max(1, len(data) // 12)
        return [data[place : place + step] for place in range(0, len(data), step)]
    cuts = [start]
    while cuts[-1] + struct.calcsize(header) <= len(data) and len(cuts) < 100:
        (length,) = struct.unpack_from(header, data, cuts[-1])
        cuts.append(cuts[-1] + max(length + after, 1))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a < b]


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


def _interlaced_png() -> bytes:
    """Adam7, which Pillow reads and does not write."""
    pixels = np.indices((20, 28)).sum(axis=0).astype(np.uint8) * 5
    lines = b""
    for x, y, dx, dy in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        lines += b"".join(b"\0" + row.tobytes() for row in pixels[y::dy, x::dx])
    header = struct.pack(">IIBBBBB", 28, 20, 8, 0, 0, 0, 1)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


def _tiled_tiff() -> bytes:
    """Two by two deflated tiles of 16 pixels, grey, which Pillow reads and does not write."""
    tiles = [zlib.compress(bytes([60 * number]) * 256) for number in range(4)]
    count = 11
    after = 8 + 2 + 12 * count + 4
    data = after + 32
    offsets = [data + sum(map(len, tiles[:number])) for number in range(4)]
    tags = (
        (256, 3, 1, 28), (257, 3, 1, 30), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1),
        (284, 3, 1, 1), (322, 3, 1, 16), (323, 3, 1, 16), (324, 4, 4, after), (325, 4, 4, after + 16),
    )  # fmt: skip
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    lists = struct.pack("<4I", *offsets) + struct.pack("<4I", *map(len, tiles))
    return struct.pack("<2sHIH", b"II", 42, 8, count) + entries + bytes(4) + lists + b"".join(tiles)
