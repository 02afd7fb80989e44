"""What is known about the request being served, for logs, errors and database statements."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The X-Request-ID of the request at hand, the id of a socket's frame, or empty outside of both."""
