"""How often somebody may do something."""


class Bucket:
    """A token bucket: `rate` a second on average, `burst` at once. Times are seconds of any steady clock."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = self._left = burst
        self._at = 0.0

    def full(self, now: float) -> bool:
        """Whether all that may come at once may come now."""
        return self._left + (now - self._at) * self._rate >= self._burst

    def take(self, now: float) -> bool:
        """Whether one more is allowed now; if so it is counted."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
