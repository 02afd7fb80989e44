"""What a file is, by its first bytes: neither its name nor what its sender calls it is asked.

Text of every kind is `text/plain`, so that nothing here is ever called a page, a script or a drawing with scripts.
"""

from codecs import getincrementaldecoder
from typing import Final

HEAD: Final = 4_096  # bytes that tell
UNKNOWN: Final = "application/octet-stream"
IMAGES: Final = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp"}
)  # what a browser may show as it is
TYPES: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBPVP8", "image/webp"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),  # documents of office programs too
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (8, b"WAVEfmt ", "audio/wav"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
)

_Decoder = getincrementaldecoder("utf-8")


def kind_of(head: bytes) -> str:
    """The content type of a file that begins so."""
    for offset, mark, kind in TYPES:
        if head.startswith(mark, offset):
            return kind
    return "text/plain" if _is_text(head) else UNKNOWN


def _is_text(head: bytes) -> bool:
    """UTF-8 without what no text has; where more follows, a letter may be cut through at the end."""
    try:
        text = _Decoder().decode(head, final=len(head) < HEAD)
    except UnicodeDecodeError:
        return False
    return bool(text) and not any(letter < " " and letter not in "\t\n\r\f" for letter in text)
