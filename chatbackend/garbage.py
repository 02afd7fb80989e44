"""When Python looks for garbage that holds itself.

It looks through everything that lives whenever that has grown by a quarter. A server lives on a third of a million
objects from its start and some hundred more for each socket: with 5,000 of them one look stopped the server for 0.6 s,
and while they all came back the looks were a quarter of its work.
"""

import gc

YOUNG = 5_000  # objects made and not yet gone before the young are looked through; Python's own number is 700
YOUNGER_LOOKS = 10  # of them before the half-old are
HALF_OLD_LOOKS = 32  # of those before everything is: 1.6 million objects


def settle() -> None:
    """Once all is loaded: what lives now is never looked through again, and the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, YOUNGER_LOOKS, HALF_OLD_LOOKS)
