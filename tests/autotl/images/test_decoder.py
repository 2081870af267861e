"""The decoder gives the same pixels for an image in any format, and a reason, never a crash, for a bad file."""

import importlib
import io
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from encoded_images import HEIC, saved
from PIL import Image, ImageCms

from autotl.images.decoder import MAX_PIXELS, UnreadableImage, _Memory, decode, open_image
from autotl.images.file_info import read_header_and_image

SIZE = (96, 128)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "PPM"])
def test_lossless_formats_give_the_same_pixels(photo: Image.Image, kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = decode(saved(photo, kind, **options), *SIZE)
    assert pixels.shape == (*SIZE, 3)
    assert pixels.dtype == np.uint8
    expected = np.asarray(photo.resize(SIZE[::-1], Image.Resampling.BICUBIC))
    assert distance(pixels, expected) < 1


def test_bytes_paths_and_strings_are_the_same_source(photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_bytes(saved(photo, "JPEG"))
    for source in (path, str(path)):
        np.testing.assert_array_equal(decode(source, *SIZE), decode(path.read_bytes(), *SIZE))


def test_the_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("TIFF", {})):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        np.testing.assert_array_equal(decode(data, 2, 2), np.full((2, 2, 3), (255, 0, 0)))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_an_image_stored_sideways_comes_out_upright(kind: str, orientation: int, photo: Image.Image) -> None:
    # what the camera stores so that turning it by the tag gives the photo back
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = photo.transpose(back[orientation]) if orientation in back else photo
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(stored, kind, exif=exif.tobytes() if kind in ("WEBP", "AVIF") else exif, quality=95)
    assert distance(decode(data, *SIZE), decode(saved(photo, "PNG"), *SIZE)) < 3
    header, small = read_header_and_image(data, 64)
    assert open_image(data).size == photo.size == (header.width, header.height)
    assert small.width > small.height


def test_reduced_scale_decoding_hardly_changes_a_jpeg() -> None:
    large = Image.fromarray(skimage.data.astronaut()).resize((2048, 2048), Image.Resampling.BICUBIC)
    data = saved(large, "JPEG", quality=95)
    assert open_image(data, at_least=(256, 256)).size == (256, 256)
    expected = np.asarray(Image.open(io.BytesIO(data)).resize((128, 128), Image.Resampling.BICUBIC))
    assert distance(decode(data, 128, 128), expected) < 1


def test_a_sideways_jpeg_is_not_reduced_below_what_was_asked() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(Image.new("RGB", (1600, 400)), "JPEG", exif=exif)
    assert open_image(data, at_least=(800, 200)).size == (200, 800)


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    for kind in ("PNG", "TIFF"):
        grey = decode(saved(Image.fromarray(ramp), kind), 16, 16)
        assert np.abs(grey[..., 0].ravel() - np.arange(256.0)).max() <= 1


def test_grey_and_black_and_white_become_rgb(photo: Image.Image) -> None:
    grey = decode(saved(photo.convert("L"), "PNG"), *SIZE)
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])
    assert set(np.unique(open_image(saved(photo.convert("1"), "PNG")))) == {0, 255}


def test_cmyk_looks_like_the_rgb_it_came_from(photo: Image.Image) -> None:
    pixels = decode(saved(photo.convert("CMYK"), "JPEG", quality=95), *SIZE)
    assert distance(pixels, decode(saved(photo, "PNG"), *SIZE)) < 3


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    if mode == "P":
        data = saved(image.convert("P"), "PNG", transparency=b"\0" * 256)
    else:
        data = saved(image.convert(mode), "PNG")
    assert decode(data, 4, 4).min() == 255


def test_half_transparent_black_is_mid_grey() -> None:
    data = saved(Image.new("RGBA", (20, 20), (0, 0, 0, 128)), "PNG")
    assert np.abs(decode(data, 4, 4).astype(int) - 127).max() <= 1


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64))


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(UnreadableImage, match=r"625 megapixels.* limit is 89"):
        decode(png_header(25_000, 25_000), *SIZE)


def test_a_photo_of_a_hundred_megapixels_is_read_at_reduced_scale() -> None:
    side = int(np.ceil(MAX_PIXELS**0.5)) + 8
    data = saved(Image.new("L", (side, side), 200), "JPEG")
    assert abs(int(decode(data, 32, 32).mean()) - 200) <= 1
    with pytest.raises(UnreadableImage, match="megapixels"):
        open_image(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "PPM"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6])
def test_a_truncated_file_is_unreadable_with_a_reason(photo: Image.Image, kind: str, kept: float) -> None:
    data = saved(photo, kind)
    with pytest.raises(UnreadableImage, match=r"damaged|cut short|megapixels"):
        decode(data[: int(len(data) * kept)], *SIZE)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<svg></svg>", "not a JPEG"),
        (b"\xff\xd8\xff", "damaged"),
        (b"RIFF\0\0\0\0WEBP", "damaged"),
        (b"BM" + bytes(60), "damaged"),
        (saved(Image.new("F", (4, 4), 0.5), "TIFF"), "floating-point"),
        (saved(Image.new("I", (4, 4), 1_000_000), "TIFF"), "32-bit"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImage, match=reason):
        decode(data, *SIZE)


def test_paths_that_are_not_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="no such file"):
        decode(tmp_path / "gone.jpg", *SIZE)
    with pytest.raises(UnreadableImage, match="not a file"):
        decode(tmp_path, *SIZE)


def test_mutated_files_are_decoded_or_refused_with_a_reason() -> None:
    outcomes = set()
    for name, data in importlib.import_module("hostile_images").mutations(seed=0, n=200):
        began = time.monotonic()
        try:
            assert decode(data, 8, 8).shape == (8, 8, 3)
            outcomes.add("decoded")
        except UnreadableImage as error:
            assert str(error), name
            outcomes.add("refused")
        assert time.monotonic() - began < 5, name
    assert outcomes == {"decoded", "refused"}


def test_damaged_exif_is_neither_an_error_nor_a_warning(photo: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 1
    exif[0x010E] = "a description that is long enough to be stored elsewhere"
    data = saved(photo, "JPEG", exif=exif.tobytes()[:-40])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: decode(data, *SIZE), range(8)))
    assert not caught


def test_a_heic_photo_is_read_where_its_package_is_installed() -> None:
    pytest.importorskip("pi_heif")
    left, right = decode(HEIC, 1, 2)[0].astype(int)
    assert np.abs(left - (20, 60, 200)).max() < 30
    assert np.abs(right - (200, 30, 40)).max() < 30
    assert "HEIF" not in Image.OPEN  # nothing was registered


def test_a_heic_photo_without_its_package_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(UnreadableImage, match=r"install autotl\[heif\]"):
        decode(HEIC, 8, 8)


def icc_profile(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A version 2 profile as small as it can be."""
    tags = {b"desc": b"desc" + bytes(8), b"wtpt": icc_colour(0.9642, 1, 0.8249), **tags}
    table, body = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    header = struct.pack(">I4xI", 132 + len(body) + 12 * len(tags), 0x02400000) + b"mntr" + space + connection
    return (
        (header + bytes(12) + b"acsp" + bytes(28) + icc_colour(0.9642, 1, 0.8249)[8:]).ljust(128, b"\0") + table + body
    )


def icc_colour(*xyz: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in xyz))


def icc_gamma(gamma: float) -> bytes:
    return b"curv" + struct.pack(">4xIH", 1, round(gamma * 256))


RED, GREEN, BLUE = (0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
CURVES = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), icc_gamma(2.2))
RED_MEANS_GREEN = icc_profile(
    b"RGB ", b"XYZ ", CURVES | {b"rXYZ": icc_colour(*GREEN), b"gXYZ": icc_colour(*RED), b"bXYZ": icc_colour(*BLUE)}
)
LINEAR_GREY = icc_profile(b"GRAY", b"XYZ ", {b"kTRC": icc_gamma(1.0)})
# Two grid points per ink, four inks: no ink is white, cyan ink looks red, all else is black.
INKS = b"".join({0: b"\xff\x80\x80", 8: b"\x88\xd0\xc3"}.get(node, b"\0\x80\x80") for node in range(16))
CYAN_MEANS_RED = icc_profile(
    b"CMYK",
    b"Lab ",
    {
        b"A2B0": b"mft1"
        + struct.pack(">4x4B9i", 4, 3, 2, 0, 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
        + bytes(range(256)) * 4
        + INKS
        + bytes(range(256)) * 3
    },
)


@pytest.mark.parametrize(
    ("image", "kind", "profile", "seen"),
    [
        (Image.new("RGB", (20, 20), (200, 0, 0)), "JPEG", RED_MEANS_GREEN, (0, 200, 0)),
        (Image.new("RGB", (20, 20), (200, 0, 0)), "PNG", RED_MEANS_GREEN, (0, 200, 0)),
        (Image.new("RGB", (20, 20), (200, 0, 0)), "TIFF", RED_MEANS_GREEN, (0, 200, 0)),
        (Image.new("RGB", (20, 20), (200, 0, 0)), "WEBP", RED_MEANS_GREEN, (0, 200, 0)),
        (Image.new("RGB", (20, 20), (200, 0, 0)), "AVIF", RED_MEANS_GREEN, (0, 200, 0)),
        (Image.new("RGBA", (20, 20), (200, 0, 0, 0)), "PNG", RED_MEANS_GREEN, (255, 255, 255)),
        (Image.new("L", (20, 20), 128), "PNG", LINEAR_GREY, (188, 188, 188)),
        (Image.new("CMYK", (20, 20), (255, 0, 0, 0)), "JPEG", CYAN_MEANS_RED, (255, 0, 0)),
        (Image.new("CMYK", (20, 20), (0, 0, 0, 0)), "TIFF", CYAN_MEANS_RED, (255, 255, 255)),
    ],
)
def test_a_colour_profile_is_followed(
    image: Image.Image, kind: str, profile: bytes, seen: tuple[int, int, int]
) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = decode(saved(image, kind, icc_profile=profile, **options), 4, 4).astype(int)
    assert np.abs(pixels - seen).max() <= 8
    plain = decode(saved(image, kind, **options), 4, 4)
    assert seen == (255, 255, 255) or np.abs(pixels - plain).max() > 50


@pytest.mark.parametrize(
    "profile", [b"no profile", RED_MEANS_GREEN[:200], LINEAR_GREY, RED_MEANS_GREEN.replace(b"curv", b"xxxx")]
)
def test_a_profile_that_does_not_fit_is_ignored(photo: Image.Image, profile: bytes) -> None:
    plain, odd = (decode(saved(photo, "PNG", icc_profile=icc), *SIZE) for icc in (None, profile))
    np.testing.assert_array_equal(odd, plain)


def test_an_srgb_profile_changes_no_pixel(photo: Image.Image) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain, tagged = (decode(saved(photo, "PNG", icc_profile=icc), *SIZE) for icc in (None, srgb))
    np.testing.assert_array_equal(tagged, plain)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1", "I;16", "CMYK"])
def test_a_large_image_is_shrunk_by_tiles_to_the_same_colours(mode: str) -> None:
    rng = np.random.default_rng(0)
    blocks = Image.fromarray(rng.integers(0, 256, (13, 25, 3), np.uint8)).resize((2500, 1300), Image.Resampling.NEAREST)
    clear = blocks.copy()
    clear.putalpha(blocks.getchannel("R"))
    options: dict[str, object] = {}
    if mode == "I;16":
        stored = Image.fromarray(np.asarray(blocks.convert("L")).astype(np.uint16) * 257)
        expected = np.asarray(blocks.convert("L").convert("RGB"))
    elif mode in ("RGBA", "LA"):
        stored = clear.convert(mode)
        white = Image.new("RGBA", clear.size, "white")
        expected = np.asarray(Image.alpha_composite(white, stored.convert("RGBA")).convert("RGB"))
    elif mode == "P":
        stored, options = blocks.quantize(64), {"transparency": 5}
        expected = np.array(stored.convert("RGB"))
        expected[np.asarray(stored) == 5] = 255
    else:
        stored = blocks.convert(mode)
        expected = np.asarray(stored.convert("RGB"))
    data = saved(stored, "TIFF" if mode == "CMYK" else "PNG", **options)
    assert np.abs(np.asarray(open_image(data)).astype(int) - expected).max() <= 1
    small = open_image(data, at_least=(13, 25))
    assert small.size == (25, 13)
    means = expected.reshape(13, 100, 25, 100, 3).mean(axis=(1, 3))
    assert np.abs(np.asarray(small) - means).max() <= 1.5
    assert np.abs(decode(data, 13, 25) - means).max() < 60  # a bicubic filter looks at the neighbours, too


def test_the_far_edge_of_an_image_that_no_whole_factor_fits_is_not_stretched() -> None:
    stripes = Image.fromarray(np.repeat(np.arange(1999) >= 1990, 40).reshape(1999, 40).T.astype(np.uint8) * 255)
    exact = np.asarray(stripes.resize((100, 4), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(decode(saved(stripes, "PNG"), 4, 100)[..., 0] - exact).max() <= 12


def test_a_transparent_value_of_sixteen_bit_grey_is_white() -> None:
    deep = Image.fromarray(np.array([[1000, 40000]], np.uint16))
    assert decode(saved(deep, "PNG", transparency=1000), 1, 2)[0, :, 0].tolist() == [255, 156]


def test_a_large_image_needs_little_more_memory_than_its_pixels(tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells the peak of a process")
    for mode in ("RGBA", "P"):
        Image.new(mode, (6000, 6000)).save(tmp_path / f"{mode}.png", compress_level=1, transparency=None)
    code = (
        "import re, sys; from autotl.images.decoder import decode, open_image\n"
        "for path in sys.argv[1:]: decode(path, 224, 224)\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    paths = [str(path) for path in tmp_path.iterdir()]
    found = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True)
    assert int(found.stdout) < (4 * 6000 * 6000 / 2**20 + 120) * 1024


def test_many_threads_share_the_memory() -> None:
    memory, held, most = _Memory(100), [0], [0]
    lock = threading.Lock()

    def borrow(size: int) -> None:
        with memory.borrowed(size):
            with lock:
                held[0] += size
                most[0] = max(most[0], held[0])
            time.sleep(0.001)
            with lock:
                held[0] -= size

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(borrow, [100, 40, 30, 60, 10, 50] * 8))
    assert 50 < most[0] <= 100


@pytest.mark.parametrize("scans", ["progressive", "one per colour"])
def test_a_jpeg_in_several_scans_counts_at_full_size(photo: Image.Image, scans: str) -> None:
    data = saved(photo, "JPEG", progressive=scans == "progressive")
    frame = data.find(b"\xff\xc2" if scans == "progressive" else b"\xff\xc0") + 5
    data = data[:frame] + struct.pack(">HH", 11_000, 11_000) + data[frame + 4 :]
    if scans == "progressive":
        whole = data
    else:
        start = data.find(b"\xff\xda")
        whole = data[:start] + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + data[start + 14 :]
        assert decode(data, *SIZE).shape == (*SIZE, 3)  # small enough at an eighth
    with pytest.raises(UnreadableImage, match="121 megapixels"):
        decode(whole, *SIZE)


def test_an_invalid_orientation_is_ignored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 9
    data = saved(Image.new("RGB", (60, 40)), "JPEG", exif=exif)
    assert decode(data, 10, 20).shape == (10, 20, 3)
    header, small = read_header_and_image(data, 8)
    assert (header.width, header.height) == open_image(data).size == (60, 40)
    assert small.width > small.height


@pytest.mark.parametrize("bits", [8, 16])
def test_the_palette_of_a_tiff_may_have_entries_of_8_or_16_bits(photo: Image.Image, bits: int) -> None:
    drawn = photo.resize((64, 48)).quantize(64)
    data = bytearray(saved(drawn, "TIFF"))
    at = struct.unpack("<I", data[4:8])[0]
    for entry in range(struct.unpack("<H", data[at : at + 2])[0]):
        tag, _, n, value = struct.unpack("<HHII", data[at + 2 + 12 * entry : at + 14 + 12 * entry])
        if tag == 320 and bits == 8:
            colours = struct.unpack(f"<{n}H", data[value : value + 2 * n])
            data[value : value + 2 * n] = struct.pack(f"<{n}H", *[colour >> 8 for colour in colours])
    assert distance(np.asarray(open_image(bytes(data))), np.asarray(drawn.convert("RGB"))) < 1
