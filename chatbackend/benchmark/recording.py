"""What the bare views answer with: written by the bench, read by the servers it starts."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

VARIABLE = "CHATBACKEND_BENCH_RECORDING"


@dataclass(frozen=True, slots=True)
class Recording:
    """Of one case: a reply of the API, and the statement behind it with the parameters of several requests."""

    body: str
    sql: str
    params: list[dict[str, Any]]


def save(path: Path, recordings: dict[str, Recording]) -> None:
    """For `load` in another process."""
    path.write_bytes(orjson.dumps({name: asdict(each) for name, each in recordings.items()}))


def load() -> dict[str, Recording]:
    """From the file that the environment names."""
    return {
        name: Recording(**each)
        for name, each in orjson.loads(Path(os.environ[VARIABLE]).read_bytes()).items()
    }
