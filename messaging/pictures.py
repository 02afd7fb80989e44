"""Pictures that anybody may have made: how large they are, and a small copy without what a camera wrote into them."""

import logging
from io import BytesIO
from threading import Lock
from typing import BinaryIO, Final, NamedTuple

from PIL import ExifTags, Image, ImageOps

logger = logging.getLogger(__name__)

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")
MOST_PIXELS: Final = 25_000_000  # of what is unpacked: 100 MB of memory
LONGEST: Final = 640  # pixels of a thumbnail's longer side
LYING: Final = frozenset({5, 6, 7, 8})  # orientations by which width and height change places
_ONE_AT_A_TIME = Lock()  # in a process: its memory has to hold what is unpacked


class Picture(NamedTuple):
    """As it is meant to be looked at. Without `thumbnail` where it is too large to be unpacked, or broken."""

    width: int
    height: int
    thumbnail: bytes | None


def look(source: BinaryIO) -> Picture | None:
    """None where it is no picture. Whatever a decoder trips over in a stranger's file is no fault of ours."""
    source.seek(0)
    try:
        with Image.open(source, formats=FORMATS) as image:
            width, height = image.size[::-1] if _lies(image) else image.size
            return Picture(width, height, _thumbnail(image))
    except Exception as error:
        logger.info("no picture: %s", type(error).__name__)
        return None


def _lies(image: Image.Image) -> bool:
    """Asked only where the head told: of a PNG without it Pillow would unpack the whole to find out."""
    return "exif" in image.info and image.getexif().get(ExifTags.Base.Orientation) in LYING


def _thumbnail(image: Image.Image) -> bytes | None:
    if image.width * image.height > MOST_PIXELS:
        return None
    try:
        with _ONE_AT_A_TIME:
            return _small(image)
    except Exception as error:
        logger.info("a picture that cannot be unpacked: %s", type(error).__name__)
        return None


def _small(image: Image.Image) -> bytes:
    """Put on a new canvas: only its points are taken along, no place, no camera, no comment."""
    image.draft("RGB", (LONGEST, LONGEST))  # a JPEG unpacks at an eighth of its size, where that is enough
    image.thumbnail((LONGEST, LONGEST))
    mode = "RGBA" if image.has_transparency_data else "RGB"
    upright = ImageOps.exif_transpose(image).convert(mode)
    canvas = Image.new(mode, upright.size)
    canvas.paste(upright)
    made = BytesIO()
    canvas.save(made, "WEBP", quality=80)
    return made.getvalue()
