"""The AsyncAPI document held against real frames: each frame a test hears must be in it, to the last field."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

FILE = Path(__file__).resolve().parent.parent / "docs" / "asyncapi.yaml"


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The document."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return found


def messages(operation: str) -> dict[str, Any]:
    """The payload schemas of an operation (`say`, `hear`, `hear_alerts`), by the name of the op or event."""
    keys = [one["$ref"].rpartition("/")[2] for one in document()["operations"][operation]["messages"]]
    found = [document()["components"]["messages"][key] for key in keys]
    return {one["name"]: one["payload"] for one in found}


def check_heard(frame: dict[str, Any], operation: str = "hear") -> None:
    """Fails for a frame of the server that the document does not describe. `hear_alerts`: of the staff's socket."""
    faults = [
        f"{error.json_path}: {error.message}"
        for error in validator(operation, frame["event"]).iter_errors(frame)
    ]
    assert not faults, f"{frame['event']}: {faults}"


@lru_cache
def validator(operation: str, name: str) -> Draft202012Validator:
    """What the document says of one op or event."""
    schema = {**messages(operation)[name], "components": document()["components"]}
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
