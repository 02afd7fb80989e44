"""Why no plan was made. The text is for whoever asked: it never holds a value out of a table."""


class Refused(Exception):
    """The statement itself is at fault."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class NotHere(Refused):
    """The statement may be fine: this server, this setup or this moment does not allow it."""


class NeverSeen(Refused):
    """Nobody saw a statement of this id."""
