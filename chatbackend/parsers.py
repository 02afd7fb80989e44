"""JSON bodies, read strictly: what PostgreSQL cannot store or a program should not send is refused here."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.http.request import RawPostDataException
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from conversations.strictness import deeper_than, has_huge_integer, has_nul

MAX_DEPTH = 32


class StrictJSONParser(BaseParser):
    """UTF-8 JSON. Refuses what is malformed (NaN, lone surrogates, other encodings), NUL characters,
    whole numbers beyond 64 bits and nesting deeper than `MAX_DEPTH`, each with its own code."""

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
    """The value of a JSON document. Raises `ParseError`: malformed_json, too_deep, nul_character,
    number_out_of_range."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ParseError(f"The body is not JSON: {error}", code="malformed_json") from None
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and deeper_than(value, MAX_DEPTH):
        raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels", code="too_deep")
    # The escape is the only way a NUL gets past the decoder, so nearly every body skips the walk.
    if b"\\u0000" in raw and has_nul(value):
        raise ParseError("Text may not contain the NUL character", code="nul_character")
    if has_huge_integer(raw.decode()):
        raise ParseError("A whole number may have at most 64 bits", code="number_out_of_range")
    return value
