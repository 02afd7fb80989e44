"""What is known about the request being served, for logs, errors and database statements."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The X-Request-ID of the request at hand, the id of a socket's frame, or empty outside of both."""

caller_address: ContextVar[str] = ContextVar("caller_address", default="")
"""The address that the request at hand comes from, as the trusted proxies tell it, or empty outside of one."""
