"""Made-up words and how often each is said: the n-th most frequent 1/(n + 2.7) as often (Zipf and Mandelbrot)."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate, chain, islice, product
from random import Random

SIZE = 50_000
_SHIFT = 2.7
_BEGINNINGS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "st", "tr", "ch")
_VOWELS = ("a", "e", "i", "o", "u")
_SYLLABLES = tuple(beginning + vowel for beginning, vowel in product(_BEGINNINGS, _VOWELS))
_DRAWN = 100_000  # words at a time

COMMON = "ba"  # the most frequent one
ABSENT = "xyzzyx"  # no word is made of these letters


@cache
def words() -> Sequence[str]:
    """The most frequent first: short ones, as in life."""
    spelled = chain.from_iterable(product(_SYLLABLES, repeat=length) for length in (1, 2, 3))
    return ["".join(parts) for parts in islice(spelled, SIZE)]


@cache
def _weights() -> Sequence[float]:
    return list(accumulate(1 / (place + 1 + _SHIFT) for place in range(SIZE)))


def rare() -> str:
    """The least frequent: once in about 600,000 words."""
    return words()[-1]


def talk(random: Random) -> Iterator[str]:
    """Words without end."""
    while True:
        yield from random.choices(words(), cum_weights=_weights(), k=_DRAWN)
