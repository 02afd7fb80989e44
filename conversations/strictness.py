"""What a JSON document may not hold, whichever door it comes through. Each check is cheap where nothing is wrong."""

import re
from typing import Any

LEAST_INTEGER, MOST_INTEGER = -(2**63), 2**64 - 1
_LONG_RUN = re.compile(r"[0-9]{19}")
_STRING_OR_NUMBER = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|(-?\d++)([.eE][\d.eE+-]*+)?', re.ASCII)


def deeper_than(value: Any, levels: int) -> bool:
    """Whether objects and lists lie in each other more than `levels` times. Never recurses."""
    layer = [value]
    for _ in range(levels):
        layer = [child for item in layer for child in _children(item) if isinstance(child, dict | list)]
        if not layer:
            return False
    return True


def has_nul(value: Any) -> bool:
    """Whether a text, or the name of a member, has a NUL character. For what is known not to be deep."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in key or has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(has_nul(item) for item in value)


def has_huge_integer(document: str) -> bool:
    """Whether well-formed JSON holds a whole number beyond 64 bits, which the decoder would turn into the
    nearest float. Only a document with 19 digits in a row is looked through."""
    if _LONG_RUN.search(document) is None:
        return False
    return any(
        match[1] is not None and match[2] is None and _is_huge(match[1])
        for match in _STRING_OR_NUMBER.finditer(document)
    )


def _is_huge(digits: str) -> bool:
    return len(digits) > 20 or not LEAST_INTEGER <= int(digits) <= MOST_INTEGER


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
