class EmbeddedError(Exception):
    """The machine cannot run what is asked for. The text says what to do about it."""
