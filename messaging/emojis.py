"""Which texts are emojis: one of Unicode's own list, in the one spelling that is kept."""

from emoji import EMOJI_DATA, STATUS

from messaging.limits import MAX_EMOJI

_STYLE = "\ufe0f"  # asks for the picture of a character that is a letter, too; clients leave it out or not

_LIST = {
    text.replace(_STYLE, ""): text
    for text, facts in EMOJI_DATA.items()
    if facts["status"] == STATUS["fully_qualified"]
}


def spelled(text: str) -> str | None:
    """The fully qualified spelling of a single emoji, or None for anything else."""
    return _LIST.get(text.replace(_STYLE, "")) if len(text) <= MAX_EMOJI else None
