"""Requests over a few connections that stay open. A whole HTTP library would cost more than the servers do."""

import asyncio
import re
from typing import NamedTuple
from urllib.parse import urlsplit

REPLY_S = 60.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"


class Reply(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class _Line(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Lines:
    """Up to `size` connections to one server; who finds none free waits for one."""

    def __init__(self, url: str, size: int) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port or (443 if self._secure else 80)
        self._name = parts.netloc.rpartition("@")[2]
        self._free: asyncio.LifoQueue[_Line | None] = asyncio.LifoQueue()
        for _ in range(size):
            self._free.put_nowait(None)

    async def ask(self, method: str, path: str, token: str, body: bytes = b"") -> Reply:
        """Raises OSError, TimeoutError, EOFError, ValueError where there is no whole reply."""
        line = await self._free.get()
        kept: _Line | None = None
        try:
            async with asyncio.timeout(REPLY_S):
                if line is None or line.reader.at_eof():
                    line = await self._open()
                line.writer.write(self._request(method, path, token, body))
                reply = await _reply(line.reader)
            kept = line
            return reply
        finally:
            if kept is None and line is not None:
                line.writer.close()
            self._free.put_nowait(kept)

    def close(self) -> None:
        """Hangs up."""
        while not self._free.empty():
            if (line := self._free.get_nowait()) is not None:
                line.writer.close()

    async def _open(self) -> _Line:
        return _Line(*await asyncio.open_connection(self._host, self._port, ssl=self._secure or None))

    def _request(self, method: str, path: str, token: str, body: bytes) -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._name}\r\nAuthorization: Bearer {token}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + b"\r\n" + body


async def _reply(reader: asyncio.StreamReader) -> Reply:
    head = await reader.readuntil(_HEAD_END)
    length = _LENGTH.search(head)
    if length is None:
        raise ValueError("a reply without Content-Length")
    return Reply(int(head.split(b" ", 2)[1]), await reader.readexactly(int(length[1])))
