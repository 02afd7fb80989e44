"""What one socket heard of a conversation, by version: each once, in order, none left out."""


class Stream:
    """`last` is the highest version heard. Memory goes by the number of gaps, not of versions."""

    __slots__ = ("anew", "doubled", "last", "missing", "reordered", "resets")

    def __init__(self, head: int) -> None:
        self.last = head
        self.missing: set[int] = set()
        self.doubled = 0
        self.reordered = 0
        self.resets = 0
        self.anew = False  # whether whatever comes next is where it goes on

    def hear(self, version: int) -> None:
        """Counts a version. One that comes after a higher one is reordered, and not lost any more."""
        if self.anew or version == self.last + 1:
            self.last, self.anew = version, False
        elif version > self.last:
            self.missing.update(range(self.last + 1, version))
            self.last = version
        elif version in self.missing:
            self.missing.discard(version)
            self.reordered += 1
        else:
            self.doubled += 1

    def reset(self) -> None:
        """Told that too much was missed: a client reads the conversation anew, and nothing of that is lost."""
        self.resets += 1
        self.last, self.anew = -1, True
        self.missing.clear()

    def lost(self, head: int) -> int:
        """How many versions up to `head` never came; none where it was told to read anew and heard nothing since."""
        if self.anew:
            return 0
        return len(self.missing) + max(0, head - self.last)
