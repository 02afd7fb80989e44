"""What can go wrong here, beside what can go wrong anywhere."""

from conversations.exceptions import ChatError


class TooLarge(ChatError):
    """A file over MAX_ATTACHMENT_BYTES."""

    status = 413
    code = "attachment_too_large"
    title = "This file is too large"


class SlowMode(ChatError):
    """A member of a group in slow mode has just spoken."""

    status = 429
    code = "slow_mode"
    title = "This conversation is in slow mode"

    def __init__(self, wait_s: int) -> None:
        detail = (
            f"The next message here can be sent in {wait_s} seconds."
            if wait_s > 1
            else "Send it again in a second."
        )
        super().__init__(detail, headers={"Retry-After": str(wait_s)})


class UnsupportedType(ChatError):
    """A file of a kind that this server does not take."""

    status = 415
    code = "attachment_type"
    title = "Files of this type are not taken"


class StorageAway(ChatError):
    """The storage of files does not answer, or is full. What was to be kept is not."""

    status = 503
    code = "storage_unavailable"
    title = "The storage of files is out of reach"

    def __init__(self) -> None:
        super().__init__("Files cannot be kept at the moment; try again later", headers={"Retry-After": "30"})


class SearchOff(ChatError):
    """Messages are encrypted where they lie: PostgreSQL has no words to look in."""

    status = 409
    code = "search_off"
    title = "Messages are encrypted here, and cannot be searched"
