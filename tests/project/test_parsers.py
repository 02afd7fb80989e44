from typing import Any

import pytest
from rest_framework.exceptions import ParseError

from chatbackend.parsers import MAX_DEPTH, strict_json


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"{'a': 1}", "malformed_json"),
        (b'{"a": NaN}', "malformed_json"),
        (b'{"a": Infinity}', "malformed_json"),
        (b'{"a": "\\ud800"}', "malformed_json"),
        (b'{"a": "\xff"}', "malformed_json"),
        ('{"a": 1}'.encode("utf-16"), "malformed_json"),
        (b'{"a": "\x00"}', "malformed_json"),
        (b'{"a": "x\\u0000"}', "nul_character"),
        (b'{"a": [{"b": "\\u0000"}]}', "nul_character"),
        (b'{"a\\u0000": 1}', "nul_character"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "too_deep"),
        (b"[" * 100_000, "malformed_json"),
        (b'{"a": 18446744073709551616}', "number_out_of_range"),
        (b'{"a": [-9223372036854775809]}', "number_out_of_range"),
        (b'{"9\\"": 1' + b"0" * 300 + b"}", "number_out_of_range"),
    ],
)
def test_what_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(ParseError) as refused:
        strict_json(raw)
    assert refused.value.get_codes() == code


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": "\\\\u0000"}', {"a": "\\u0000"}),  # a backslash and letters, no NUL
        ('"gr\u00fc\u00df \U0001f600"'.encode(), "gr\u00fc\u00df \U0001f600"),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        (b"[" + b"[]," * 99 + b"[]]", None),  # many, not deep
        (b"[1, 2]", [1, 2]),
        (b"[18446744073709551615, -9223372036854775808]", [2**64 - 1, -(2**63)]),
        (b'{"18446744073709551616": "-99999999999999999999 \\" 99999999999999999999"}', None),  # no numbers
        (b"[0.00000000000000000000001, 99999999999999999999.5, 1e-20]", [1e-23, 1e20, 1e-20]),
    ],
)
def test_what_passes(raw: bytes, value: Any) -> None:
    parsed = strict_json(raw)
    assert value is None or parsed == value
