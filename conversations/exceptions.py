"""What can go wrong, in the words of chat. The doors turn these into problem+json and socket errors."""

from collections.abc import Mapping, Sequence
from typing import Any


class ChatError(Exception):
    """A refusal that the caller may read.

    `errors` names the fields at fault (`{field, code, detail}`), `headers` what HTTP adds to the reply.
    """

    status = 400
    code = "invalid"
    title = "The request cannot be carried out"

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        errors: Sequence[Mapping[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.code = code or self.code
        self.errors = [dict(error) for error in errors] if errors else None
        self.headers = dict(headers or {})


class Invalid(ChatError):
    """The input is well formed but says something that cannot be."""

    status = 400
    code = "invalid"
    title = "The input is invalid"

    @classmethod
    def field(cls, field: str, detail: str, *, code: str = "invalid") -> "Invalid":
        """The error of one field."""
        return cls(detail, code=code, errors=[{"field": field, "code": code, "detail": detail}])


class Unauthenticated(ChatError):
    """Nobody, or no longer anybody, by that token or password."""

    status = 401
    code = "not_authenticated"
    title = "Sign in first"

    def __init__(self, detail: str = "", **kwargs: Any) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="api"'}, **kwargs)


class Forbidden(ChatError):
    """The caller takes part, but their role does not allow it."""

    status = 403
    code = "forbidden"
    title = "Your role does not allow this"


class NotFound(ChatError):
    """Unknown, or not for the caller's eyes: the two look the same."""

    status = 404
    code = "not_found"
    title = "Nothing here by that name"


class Conflict(ChatError):
    """The state of the thing stands against it."""

    status = 409
    code = "conflict"
    title = "The present state does not allow this"
