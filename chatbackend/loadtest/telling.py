"""What a client process says to the one that started it."""

import asyncio
import json
import sys
from typing import Any


def say(what: dict[str, Any]) -> None:
    """One line for the process that started this one."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def tell(phase: str) -> None:
    """Says where it is, and waits a moment: the other side looks at the server's memory then."""
    say({"phase": phase})
    await asyncio.sleep(0.3)
