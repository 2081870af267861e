"""What a file says about itself is read from every format, and small copies keep the shape."""

import io

import pytest
from encoded_images import HEIC, saved
from PIL import Image

from autotl.images.decoder import UnreadableImage
from autotl.images.file_info import ImageHeader, exif_value, read_header_and_image, thumbnail


def test_a_thumbnail_is_a_small_jpeg_of_the_same_shape(photo: Image.Image) -> None:
    small = Image.open(io.BytesIO(thumbnail(saved(photo, "PNG"), 64)))
    assert small.format == "JPEG"
    assert max(small.size) == 64
    assert abs(small.width / small.height - photo.width / photo.height) < 0.05
    assert "icc_profile" not in small.info


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (saved(Image.new("L", (30, 20)), "JPEG"), ("JPEG", "L", 30, 20, 1)),
        (saved(Image.new("CMYK", (30, 20)), "JPEG"), ("JPEG", "CMYK", 30, 20, 1)),
        (saved(Image.new("P", (30, 20)), "PNG"), ("PNG", "P", 30, 20, 1)),
        (saved(Image.new("I;16", (30, 20)), "PNG"), ("PNG", "I;16", 30, 20, 1)),
        (saved(Image.new("RGB", (30, 20)), "AVIF"), ("AVIF", "RGB", 30, 20, 1)),
        (saved(Image.new("RGB", (30, 20)), "BMP"), ("BMP", "RGB", 30, 20, 1)),
    ],
)
def test_a_header_is_what_the_file_says_about_itself(data: bytes, header: tuple[str, str, int, int, int]) -> None:
    assert read_header_and_image(data, 8)[0] == ImageHeader(*header)


@pytest.mark.parametrize(("kind", "frames_found"), [("GIF", 2), ("TIFF", 2), ("PNG", 3), ("WEBP", 3), ("AVIF", 3)])
def test_a_header_distinguishes_several_frames_from_one(kind: str, frames_found: int) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "green")]
    assert read_header_and_image(saved(frames[0], kind), 8)[0].frames == 1
    several = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    assert read_header_and_image(several, 8)[0].frames == frames_found


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_image_is_shrunk_to_about_the_edge_and_never_enlarges(kind: str) -> None:
    large = saved(Image.new("RGB", (1500, 1000), "red"), kind)
    header, small = read_header_and_image(large, 64)
    assert (header.width, header.height) == (1500, 1000)
    assert 64 <= small.height < 128
    assert abs(small.width / small.height - 1.5) < 0.05
    assert read_header_and_image(saved(Image.new("RGB", (30, 20)), kind), 64)[1].size == (30, 20)


def test_reading_the_header_notices_a_file_that_is_cut_short(photo: Image.Image) -> None:
    data = saved(photo, "JPEG")
    with pytest.raises(UnreadableImage, match="truncated"):
        read_header_and_image(data[:-2000], 64)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_exif_fields_are_read_by_name(photo: Image.Image, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0110] = "Camera 1000\0"
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    data = saved(photo, kind, exif=exif.tobytes())
    assert exif_value(data, "Model") == "Camera 1000"
    assert exif_value(data, "DateTimeOriginal") == "2020:01:02 03:04:05"
    assert exif_value(data, "BodySerialNumber") == exif_value(saved(photo, kind), "Model") == ""


def test_an_unknown_exif_field_is_an_error_that_names_the_nearest(photo: Image.Image) -> None:
    with pytest.raises(ValueError, match="DateTimeOriginal"):
        exif_value(saved(photo, "JPEG"), "DateTimeOriginl")


def test_a_heic_photo_has_a_header_and_exif_fields() -> None:
    pytest.importorskip("pi_heif")
    assert read_header_and_image(HEIC, 8)[0] == ImageHeader("HEIF", "RGB", 48, 32, 1)
    assert exif_value(HEIC, "Model") == "TestCam"
