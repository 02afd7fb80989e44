"""Handing out what people uploaded, so that no browser takes it for a part of this site."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from rest_framework.request import Request

from messaging import kinds

HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def served(request: Request, pieces: Iterator[bytes], *, kind: str, name: str) -> StreamingHttpResponse:
    """Only images are shown as what they are; all else is bytes to be saved."""
    shown = kind in kinds.IMAGES
    return StreamingHttpResponse(
        _later(pieces) if isinstance(request._request, ASGIRequest) else pieces,
        content_type=kind if shown else kinds.UNKNOWN,
        headers={**HARMLESS, "Content-Disposition": content_disposition_header(not shown, name) or "inline"},
    )


async def _later(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Each piece read in a thread: an ASGI server would otherwise have the whole file in memory first."""
    read = sync_to_async(partial(next, pieces, b""), thread_sensitive=False)
    while piece := await read():
        yield piece
