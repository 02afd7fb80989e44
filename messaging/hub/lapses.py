"""What other processes began and may not live to end."""

import asyncio
from collections.abc import Callable

from conversations import events
from conversations.events import Envelope


class Lapses:
    """Ends in this process what a passing event of another one began, where its end does not come in time.

    `end` is called with an envelope that says so. What began in this process is ended by whoever began it.
    """

    def __init__(self, end: Callable[[Envelope], None]) -> None:
        self._end = end
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def note(self, envelope: Envelope) -> None:
        """A passing event was heard: the state that it names begins anew, or is over."""
        lapse = envelope.get("lapse")
        if lapse is None or envelope["origin"] == events.origin():
            return
        if timer := self._timers.pop(lapse["key"], None):
            timer.cancel()
        if lapse["after_s"] > 0:
            later = asyncio.get_running_loop().call_later
            self._timers[lapse["key"]] = later(lapse["after_s"], self._lapse, lapse["key"], envelope)

    def _lapse(self, key: str, envelope: Envelope) -> None:
        del self._timers[key]
        self._end({**envelope, "frame": envelope["lapse"]["frame"]})
