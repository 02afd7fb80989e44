"""What the server says to one socket."""

from typing import Any

import orjson

from conversations.exceptions import ChatError
from messaging.frames import Ref


def ack(ref: Ref, result: str) -> str:
    """It is done, and committed. `result` is JSON."""
    return f'{{"event":"ack","ref":{_json(ref)},"result":{result}}}'


def error(ref: Ref, fault: ChatError) -> str:
    """It is not done. `ref` is left out where the frame had none."""
    told: dict[str, Any] = {"code": fault.code, "title": fault.title, "detail": fault.detail}
    if fault.errors:
        told["errors"] = fault.errors
    return f'{{"event":"error",{_ref(ref)}"error":{_json(told)}}}'


def answer(event: str, ref: Ref) -> str:
    """`pong` and `resumed`."""
    return f'{{{_ref(ref)}"event":"{event}"}}'


def _ref(ref: Ref) -> str:
    return "" if ref is None else f'"ref":{_json(ref)},'


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
