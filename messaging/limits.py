"""What one message may carry, whichever door it comes through."""

MAX_CONTENT = 16_000  # characters
MAX_CLIENT_ID = 64
MAX_METADATA = 8_192  # bytes of JSON
MAX_DEPTH = 8
MAX_MENTIONS = 50
MAX_ATTACHMENTS = 10  # files of one message
UNSENT_HOURS = 24  # how long a file may wait for its message
MAX_FILE_NAME = 200  # characters
MAX_REACTIONS = 20  # kinds of emojis under a message
MAX_OWN_REACTIONS = 10  # of one person under a message
MAX_EDITS = 100  # of a message; what it said before each is kept
MAX_PINS = 50  # of a conversation: a page
MAX_EMOJI = 16  # characters; the longest that Unicode lists has 10
MAX_POSITION = 2**53  # of seq and version: the largest whole number that every JSON reader keeps exact
SAID = ("text", "image", "file", "audio", "video", "location")
