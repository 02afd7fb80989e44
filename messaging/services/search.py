"""Searching: which way to go, page by page."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from messaging.exceptions import SearchOff
from messaging.queries import recent
from messaging.queries import search as queries
from messaging.queries.search import Found, Guess, Hit, Scope, Search
from messaging.terms import Terms

RARE = 10_000  # messages of everybody that may have a word which is looked up at once
STROLL = 512  # messages that every search walks back through first
FARTHEST = 32_768  # messages that a second walk may take
CANDIDATES = 200  # the newest matches, of which `sort=relevance` makes its order
FEW = 1_000  # matches that are not worth a statement of their own for those of the last days
# What a message costs: walking past it, against fetching it because the index says that it matches.
_WALKED, _FETCHED = 2, 5


class Place(NamedTuple):
    """Where a page ended. `partly`: its words were taken for beginnings of words. `upto` and `score`: of an order by
    relevance, which is made of the matches that there were for the first page."""

    partly: bool
    upto: datetime | None
    score: float | None
    at: datetime
    conversation: UUID
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody looks for, and where the page before ended."""

    viewer: UUID
    terms: Terms
    limit: int
    by_rank: bool = False
    conversation: UUID | None = None
    sender: UUID | None = None
    type: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: Place | None = None


class Page(NamedTuple):
    """Hits, and the place where the next page begins, None at the end. `readable` False: the viewer may read nothing
    of what was asked about."""

    hits: list[Hit]
    next: Place | None
    readable: bool


def find_messages(wanted: Wanted) -> Page:
    """A page of what the viewer may read and is looking for.

    Where nothing has the words as they stand, what has words that begin so is found instead. One to six statements,
    whatever the data. Raises SearchOff.
    """
    if settings.ENCRYPT_MESSAGES:  # what was said before would be found, and nothing of what is said since
        raise SearchOff
    search = _search(wanted)
    scope, found = _look_up(search) if wanted.terms.single else _find(search)
    hits = found.hits[: wanted.limit]
    more = len(found.hits) > wanted.limit
    return Page(hits, _end(wanted, hits[-1], found) if more else None, bool(scope.conversations))


def _search(wanted: Wanted) -> Search:
    after, terms = wanted.after, wanted.terms
    limit = wanted.limit + 1
    ends = [at for at in (wanted.until, after.upto if after else None) if at is not None]
    return Search(
        viewer=wanted.viewer,
        query=terms.partial if after and after.partly else terms.exact,
        partial=None if after else terms.partial or None,
        depth=CANDIDATES if wanted.by_rank else limit,
        limit=limit,
        by_rank=wanted.by_rank,
        conversation=wanted.conversation,
        sender=wanted.sender,
        type=wanted.type,
        since=wanted.since,
        upto=min(ends) if ends else None,
        score=after.score if after else None,
        at=after.at if after else None,
        place=after.conversation if after else None,
        seq=after.seq if after else None,
    )


def _end(wanted: Wanted, last: Hit, found: Found) -> Place:
    partly = wanted.after.partly if wanted.after else found.partly
    upto = (wanted.after.upto if wanted.after else found.newest) if wanted.by_rank else None
    return Place(partly, upto, last.score if wanted.by_rank else None, last.at, last.conversation, last.seq)


def _look_up(search: Search) -> tuple[Scope, Found]:
    """A single word: how common it is, and, where it is rare, the index at once. Mostly two statements."""
    expected = queries.guess(search)
    if expected.whole > RARE:
        return _find(search, stroll=_stroll(search.depth, expected))
    partial = search.partial if expected.near <= RARE else None
    scope, found = queries.rare(replace(search, partial=partial))
    if found.number or search.partial == partial or not scope.conversations:
        return scope, found
    scope, found = _find(replace(search, query=search.partial or "", partial=None))
    return scope, found._replace(partly=True)


def _stroll(depth: int, expected: Guess) -> int:
    """How many messages to walk through first, if the word stands in all conversations as often: half as many again as
    hold a page of matches."""
    return min(STROLL, 3 * depth * expected.of_all // max(2 * expected.whole, 1))


def _find(search: Search, stroll: int | None = None) -> tuple[Scope, Found]:
    """One to four statements: a short walk; then, where that met none of the words as they stand, what the index
    knows of them; and the way to the rest."""
    if stroll and stroll < STROLL:
        scope, found = queries.walk(search, budget=stroll, marks=1)
        if scope.complete or found.number >= search.depth:
            return scope, found
    scope, found = queries.walk(search, budget=STROLL)
    if not scope.sought or scope.complete:
        return scope, found
    if search.partial and (found.partly or not found.number):
        return _find_either(search, scope, found)
    return _find_rest(replace(search, partial=None), scope, found)


def _find_either(search: Search, scope: Scope, met: Found) -> tuple[Scope, Found]:
    """Whether there are such words at all, in one look. Beginnings of words are in it where the walk met none: else
    they may be many, and the walk has begun to gather them."""
    wanted = replace(search, partial=None) if met.partly else search
    found = queries.indexed(wanted, conversations=scope.conversations)
    if found.number or not met.partly:
        return scope, found
    scope, found = _find_rest(replace(search, query=search.partial or "", partial=None), scope, met)
    return scope, found._replace(partly=True)


def _find_rest(search: Search, scope: Scope, found: Found) -> tuple[Scope, Found]:
    """Up to two statements after a walk that met this: a longer one, or the index over the last days; the index."""
    if found.number >= search.depth:
        return scope, found
    if budget := _second_walk(search.depth, found.number, scope.messages):
        scope, found = queries.walk(search, budget=budget)
        if scope.complete or found.number >= search.depth:
            return scope, found
    elif since := _recently(search, found.number, scope.messages):
        newer = queries.indexed(search, conversations=scope.conversations, since=since)
        if newer.number >= search.depth:
            return scope, newer
    return scope, queries.indexed(search, conversations=scope.conversations)


def _recently(search: Search, met: int, messages: int) -> datetime | None:
    """The day since when there is an index of its own, where that may save fetching many older matches."""
    day = recent.since() if _expected(met, messages) > FEW else None
    return day if day and (search.upto is None or search.upto > day) else None


def _expected(met: int, messages: int) -> int:
    """How many of the viewer's messages match, if they match as those of the first walk did."""
    return (met + 1) * messages // STROLL


def _second_walk(wanted: int, met: int, messages: int) -> int:
    """How many messages to walk through next; 0 where the index is the shorter way.

    As many of them as matched in the first walk, so many will in the next.
    """
    budget = STROLL * wanted * 3 // (2 * max(met, 1))
    fetched = _expected(met, messages) * _FETCHED
    return budget if budget <= FARTHEST and budget * _WALKED < fetched else 0
