"""Somebody of a mixed load: a socket in one room, and what they ask for over REST."""

import json
from typing import NamedTuple

from chatbackend.loadtest import frames
from chatbackend.loadtest.mixed.load import LIST, SEARCH, SEND_REST, Room
from chatbackend.loadtest.sockets import Score, Socket

API = "/api/v1"
WORDS = (
    "people",
    "line%20of%20text",
    "messages%20nowhere",
)  # in every message, all of them in every message, never


class Request(NamedTuple):
    """What is asked of a server."""

    method: str
    path: str
    token: str
    body: bytes = b""


class Person:
    """`score` is that of the room."""

    def __init__(self, token: str, room: Room, score: Score) -> None:
        self.conversation = room.conversation
        self.score = score
        self.socket = Socket(score, room.conversation, timed=True)
        self.socket.token = token

    def send(self, client_id: str, due: int) -> None:
        """Over the socket."""
        score = self.score
        score.sent += 1
        score.scheduled[score.sent] = due
        self.socket.say(
            frames.send(conversation=self.conversation, number=score.sent, client_id=client_id, scheduled=due)
        )

    def request(self, kind: str, number: int, client_id: str, due: int) -> Request:
        """For everything else; `number` makes them look for one thing after the other."""
        token, messages = self.socket.token, f"{API}/conversations/{self.conversation}/messages"
        if kind == SEND_REST:
            body = json.dumps({"client_id": client_id, "content": frames.content(due)}).encode()
            return Request("POST", messages, token, body)
        if kind == LIST:
            return Request("GET", f"{API}/conversations", token)
        if kind == SEARCH:
            return Request("GET", f"{API}/search/messages?q={WORDS[number % len(WORDS)]}", token)
        return Request("GET", f"{messages}?limit=50", token)
