"""Who is writing: passed on at most every 3 s, over by itself after 6 s."""

import asyncio
from uuid import UUID

from messaging import events

EVERY_S = 3.0
LASTS_S = events.TYPING_LASTS_S
MAX_PLACES = 20  # conversations one socket writes in at once


class TypingState:
    """What one socket's person is writing in."""

    def __init__(self, user_id: UUID) -> None:
        self._user_id = user_id
        self._ends: dict[UUID, asyncio.TimerHandle] = {}
        self._passed_at: dict[UUID, float] = {}
        self._businesses: dict[UUID, str | None] = {}

    def knows(self, conversation: UUID) -> bool:
        """Whether `learn` was told of this conversation."""
        return conversation in self._businesses

    def learn(self, conversation: UUID, business_id: str | None) -> None:
        """Whose case a conversation is: the agents of that business hear it without a seat. That never changes."""
        self._businesses[conversation] = business_id

    def set(self, conversation: UUID, *, on: bool) -> None:
        """Tells the others where that is news. The caller has checked that this person may."""
        if not on:
            self.stop(conversation)
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._passed_at = {place: at for place, at in self._passed_at.items() if now - at < EVERY_S}
        fresh = conversation not in self._passed_at
        if conversation in self._ends:
            self._ends.pop(conversation).cancel()
        elif not fresh or len(self._ends) >= MAX_PLACES:
            return
        self._ends[conversation] = loop.call_later(LASTS_S, self.stop, conversation)
        if fresh:
            self._passed_at[conversation] = now
            self._tell(conversation, on=True)

    def stop(self, conversation: UUID) -> None:
        """The person has said it, or will not. Tells the others where they think that it is being written."""
        timer = self._ends.pop(conversation, None)
        if timer is not None:
            timer.cancel()
            self._tell(conversation, on=False)

    def stop_all(self) -> None:
        """The person is gone."""
        for conversation in list(self._ends):
            self.stop(conversation)

    def _tell(self, conversation: UUID, *, on: bool) -> None:
        business = self._businesses.get(conversation)
        events.typing(conversation, self._user_id, on=on, business_id=business)
