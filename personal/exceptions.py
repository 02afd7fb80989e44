"""What can go wrong here, beside what can go wrong anywhere."""

from conversations.exceptions import ChatError


class TooManyExports(ChatError):
    """Each export costs about as much as everything else that its person does in a day."""

    status = 429
    code = "too_many_exports"
    title = "Too many exports"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(max(1, retry_after_s))})


class Lost(Exception):
    """Another worker has taken the job meanwhile, or it is not to be done any more."""


class Refused(Exception):
    """A job that cannot be done, however often it is tried. `args[0]` is one of Job.Why."""
