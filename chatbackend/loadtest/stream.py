"""What one socket heard of a conversation, by version: each once, in order, none left out."""


class Stream:
    """`last` is the highest version heard. Memory goes by the number of gaps, not of versions."""

    __slots__ = ("doubled", "last", "missing", "reordered")

    def __init__(self, head: int) -> None:
        self.last = head
        self.missing: set[int] = set()
        self.doubled = 0
        self.reordered = 0

    def hear(self, version: int) -> None:
        """Counts a version. One that comes after a higher one is reordered, and not lost any more."""
        if version == self.last + 1:
            self.last = version
        elif version > self.last:
            self.missing.update(range(self.last + 1, version))
            self.last = version
        elif version in self.missing:
            self.missing.discard(version)
            self.reordered += 1
        else:
            self.doubled += 1

    def lost(self, head: int) -> int:
        """How many versions up to `head` never came."""
        return len(self.missing) + max(0, head - self.last)
