"""JSON bodies, read strictly: what PostgreSQL cannot store or a program should not send is refused here."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.http.request import RawPostDataException
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

MAX_DEPTH = 32


class StrictJSONParser(BaseParser):
    """UTF-8 JSON. Refuses what is malformed (NaN, lone surrogates, other encodings), NUL characters and
    nesting deeper than `MAX_DEPTH`, each with its own code."""

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return strict_json(stream.read())
        except RawPostDataException as error:
            raise ParseError("The body was read before") from error


def strict_json(raw: bytes) -> Any:
    """The value of a JSON document. Raises `ParseError`: malformed_json, nul_character, too_deep."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ParseError(f"The body is not JSON: {error}", code="malformed_json") from None
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels", code="too_deep")
    # The escape is the only way a NUL gets past the decoder, so nearly every body skips the walk.
    if b"\\u0000" in raw and _has_nul(value):
        raise ParseError("Text may not contain the NUL character", code="nul_character")
    return value


def _deeper_than(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [child for item in layer for child in _children(item) if isinstance(child, dict | list)]
        if not layer:
            return False
    return True


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in key or _has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_nul(item) for item in value)
