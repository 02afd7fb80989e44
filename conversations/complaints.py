"""What goes wrong again and again is said once a minute."""

import logging
import time

QUIET_S = 60.0


class Complaints:
    """Of one part of a process, to its log; any thread may complain."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._said_at = -QUIET_S

    def say(self, text: str, *args: object) -> None:
        """A warning, unless there was one in the last minute."""
        now = time.monotonic()
        if now - self._said_at >= QUIET_S:
            self._said_at = now
            self._log.warning(text, *args)
