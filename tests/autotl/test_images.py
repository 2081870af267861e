"""The decoder: one picture, the same pixels, whatever file it comes in; a bad file gets a reason, never a crash."""

import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from autotl.images import MAX_PIXELS, UnreadableImage, decode, image_size, open_image, thumbnail

SIZE = (96, 128)


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(skimage.data.chelsea())


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
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
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_picture_stored_sideways_comes_out_upright(kind: str, orientation: int, photo: Image.Image) -> None:
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
    data = saved(stored, kind, exif=exif.tobytes() if kind == "WEBP" else exif, quality=95)
    assert distance(decode(data, *SIZE), decode(saved(photo, "PNG"), *SIZE)) < 3
    assert image_size(data) == open_image(data).size == photo.size


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
    assert image_size(png_header(25_000, 25_000)) == (25_000, 25_000)


def test_a_photo_of_a_hundred_megapixels_is_read_at_reduced_scale() -> None:
    side = int(np.ceil(MAX_PIXELS**0.5)) + 8
    data = saved(Image.new("L", (side, side), 200), "JPEG")
    assert abs(int(decode(data, 32, 32).mean()) - 200) <= 1
    with pytest.raises(UnreadableImage, match="megapixels"):
        open_image(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
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


def test_paths_that_are_no_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="no such file"):
        decode(tmp_path / "gone.jpg", *SIZE)
    with pytest.raises(UnreadableImage, match="not a file"):
        decode(tmp_path, *SIZE)


def test_random_damage_never_raises_anything_else(photo: Image.Image) -> None:
    rng = np.random.default_rng(0)
    small = photo.resize((60, 40))
    for kind in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"):
        clean = np.frombuffer(saved(small, kind), np.uint8)
        for _ in range(40):
            data = clean.copy()
            places = rng.integers(4, len(data), 8)
            data[places] = rng.integers(0, 256, 8)
            try:
                assert decode(data.tobytes(), 8, 8).shape == (8, 8, 3)
            except UnreadableImage as error:
                assert str(error)


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


def test_a_thumbnail_is_a_small_jpeg_of_the_same_shape(photo: Image.Image) -> None:
    small = Image.open(io.BytesIO(thumbnail(saved(photo, "PNG"), 64)))
    assert small.format == "JPEG"
    assert max(small.size) == 64
    assert abs(small.width / small.height - photo.width / photo.height) < 0.05
