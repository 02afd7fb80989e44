"""Where in a message the words are that were looked for: pieces of its text, marked or not. Pure.

Pieces, not markup: what people wrote never becomes HTML by being found. Not offsets either, which JavaScript and
Python would count differently.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import orjson

START, STOP = "\x01", "\x02"  # chat_search_plain takes them out of the content
LONGEST = 240  # characters of a message that are shown
LEAD = 60  # of them before the first hit
GAP = "…"

Span = tuple[int, int]


def highlight(content: str, marked: str, runs: Iterable[str]) -> bytes:
    """`[{text, hit}]` as JSON. `marked` is the content as PostgreSQL marked it, `runs` what to mark as it stands."""
    spans = _joined([*_marked(content, marked), *_runs(content, runs)])
    first, last = _window(content, spans)
    pieces = list(_pieces(content, spans, first, last))
    if first > 0:
        pieces.insert(0, {"text": GAP, "hit": False})
    if last < len(content):
        pieces.append({"text": GAP, "hit": False})
    return orjson.dumps(pieces)


def _marked(content: str, marked: str) -> Iterator[Span]:
    """Nothing where signs were lost or added on the way: better no mark than one in the wrong place."""
    if len(marked) - marked.count(START) - marked.count(STOP) != len(content):
        return
    place = 0
    begin = 0
    for piece in re.split(f"([{START}{STOP}])", marked):
        if piece == START:
            begin = place
        elif piece == STOP:
            yield begin, place
        else:
            place += len(piece)


def _runs(content: str, runs: Iterable[str]) -> Iterator[Span]:
    for run in runs:
        for found in re.finditer(re.escape(run), content):
            yield found.span()


def _joined(spans: list[Span]) -> list[Span]:
    """In order, those that touch as one."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _window(content: str, spans: Sequence[Span]) -> Span:
    """The part to show: all of a short message, else from a little before the first hit."""
    if len(content) <= LONGEST:
        return 0, len(content)
    hit = spans[0][0] if spans else 0
    first = min(max(0, hit - LEAD), len(content) - LONGEST)
    space = content.find(" ", first, hit) if first else -1
    first = space + 1 if space >= 0 else first
    return first, min(first + LONGEST, len(content))


def _pieces(content: str, spans: Sequence[Span], first: int, last: int) -> Iterator[dict[str, object]]:
    edges = [first, *(min(max(edge, first), last) for span in spans for edge in span), last]
    for place, (begin, end) in enumerate(pairwise(edges)):
        if begin < end:
            yield {"text": content[begin:end], "hit": place % 2 == 1}
