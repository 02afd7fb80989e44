"""Somebody who uses the server only from outside: over REST and one socket."""

import secrets
from typing import Any

import httpx

from tests.realtime.client import Client
from tests.server import Server

Json = dict[str, Any]


class Person:
    """Registers, signs in, and has a socket once it is asked for."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self.name = name
        self.http = httpx.Client(base_url=f"{server.base_url}/api/v1", timeout=20)
        secret: Json = {"username": name, "password": secrets.token_urlsafe(12)}
        self.id = str(self.post("auth/register", expect=201, **secret)["id"])
        tokens = self.post("auth/token", **secret)
        self.access, self.refresh = str(tokens["access"]), str(tokens["refresh"])
        self.http.headers["Authorization"] = f"Bearer {self.access}"
        self._socket: Client | None = None

    @property
    def socket(self) -> Client:
        """An open socket, past `hello`."""
        if self._socket is None:
            self._socket = Client(self._server.ws_url, token=self.access)
            self._socket.hello = self._socket.hear("hello")
        return self._socket

    def get(self, path: str, *, expect: int = 200, **params: Any) -> Any:
        return self._told(self.http.get(path, params=params), expect)

    def post(self, path: str, *, expect: int = 200, **body: Any) -> Any:
        return self._told(self.http.post(path, json=body), expect)

    def put(self, path: str, *, expect: int = 200, **body: Any) -> Any:
        return self._told(self.http.put(path, json=body), expect)

    def patch(self, path: str, *, expect: int = 200, **body: Any) -> Any:
        return self._told(self.http.patch(path, json=body), expect)

    def delete(self, path: str, *, expect: int = 204) -> Any:
        return self._told(self.http.delete(path), expect)

    def say(self, conversation: str, content: str, **more: Any) -> Json:
        """A message over REST."""
        told: Json = self.post(f"conversations/{conversation}/messages", expect=201, content=content, **more)
        return told

    def unread(self, conversation: str) -> int:
        """As the list of conversations says it."""
        listed = self.get("conversations")["results"]
        return next(int(one["unread_count"]) for one in listed if one["id"] == conversation)

    def leave(self) -> None:
        """Closes the socket."""
        if self._socket is not None:
            self._socket.__exit__(None, None, None)
            self._socket = None

    def close(self) -> None:
        """Is done."""
        self.leave()
        self.http.close()

    def _told(self, answer: httpx.Response, expect: int) -> Any:
        assert answer.status_code == expect, (answer.request.url, answer.text)
        return answer.json() if answer.content else None
