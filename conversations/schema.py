"""What the OpenAPI document says beyond what drf-spectacular can see: the errors, the headers, the ids in addresses."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.serializers import ListSerializer

from conversations.serializers.shapes import ProblemShape

PATH_PARAMETERS = {
    "conversation_id": ({"type": "string", "format": "uuid"}, "The conversation."),
    "user_id": ({"type": "string", "format": "uuid"}, "The user."),
    "business_id": (
        {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "The business's id on the Kaha platform.",
    ),
    "webhook_id": ({"type": "string", "format": "uuid"}, "The webhook."),
    "delivery_id": ({"type": "string", "format": "uuid"}, "The delivery: its `webhook-id`."),
    "kaha_id": ({"type": "string", "maxLength": 64}, "The person's id on the Kaha platform."),
    "job": ({"type": "integer", "minimum": 1}, "The round of maintenance."),
    "job_id": ({"type": "string", "format": "uuid"}, "The export or erasure."),
    "reply_id": ({"type": "string", "format": "uuid"}, "The canned reply."),
    "attachment_id": ({"type": "string", "format": "uuid"}, "The file."),
    "seq": ({"type": "integer", "minimum": 1}, "The message's place in its conversation."),
    "number": ({"type": "integer", "minimum": 1}, "The note's number in its conversation."),
    "emoji": ({"type": "string", "maxLength": 16}, "A single emoji of Unicode's list, percent-encoded."),
}
REASONS = {
    400: "The input is malformed or invalid; `errors` names the fields.",
    401: "No, a bad or an expired token, or an account that is closed.",
    403: "The caller may not do this.",
    404: "Unknown, or not for the caller's eyes: the two look the same.",
    409: "The present state does not allow it.",
    413: "The body is larger than the server takes.",
    415: "The body is not of the type that is taken here.",
    429: "Too many requests.",
    503: "The database is out of reach.",
}


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


REQUEST_ID = {"X-Request-ID": _header("The request's id: taken from the request, or made.")}
RETRY = {"Retry-After": _header("Seconds to wait.", "integer")}
CHALLENGE = {"WWW-Authenticate": _header("How to authenticate.")}
RATE = {
    "RateLimit": _header('How the caller stands: `"name";r=<left>;t=<seconds>`, one for each limit.'),
    "RateLimit-Policy": _header('The limits: `"name";q=<quota>;w=<seconds>`.'),
}
HEADERS = {401: CHALLENGE, 429: RETRY, 503: RETRY}


class ProblemSchema(AutoSchema):
    """Adds to each operation every error it can answer with, as problem+json.

    Most follow from the operation: what takes input can be refused it (400), what needs a token can miss it (401).
    The rest stands in the viewset's `problems`.
    """

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        view: Any = self.view
        if operation is None or not hasattr(view, "problems"):
            return operation
        for parameter in operation.get("parameters", ()):
            _may_be_left_empty(parameter)
        problem = self.resolve_serializer(ProblemShape, "response").ref
        responses = operation["responses"]
        limited = RATE if view.limits.get(view.action) else {}
        for response in responses.values():
            response.setdefault("headers", {}).update(REQUEST_ID | limited)
        for status in sorted(self._problems(operation)):
            headers = REQUEST_ID | HEADERS.get(status, {}) | (limited if status != 503 else {})
            responses[str(status)] = _answer(REASONS[status], problem, headers)
        responses["default"] = _answer("Anything else that goes wrong.", problem, REQUEST_ID)
        return operation

    def _is_list_view(self, serializer: Any = None) -> bool:
        """A reply is a bare array where it says so, whatever its action is called."""
        return isinstance(serializer, ListSerializer)

    def get_auth(self) -> list[dict[str, list[str]]]:
        """The security schemes stand in the settings (`APPEND_COMPONENTS`): two of our classes read one header."""
        view: Any = self.view
        if not view.get_authenticators():
            return [{}]
        session = view.action in view.staff_actions | view.session_actions
        return [{"bearer": []}, {"session": []}] if session else [{"bearer": []}]

    def _problems(self, operation: dict[str, Any]) -> set[int]:
        view: Any = self.view
        action = view.action
        found = {503, *view.problems.get(action, ())}
        if "requestBody" in operation:
            found |= {400, 413, 415}
        if any(parameter["in"] == "query" for parameter in operation.get("parameters", ())):
            found.add(400)
        if view.get_authenticators():
            found.add(401)
        if action in view.staff_actions | view.session_actions:
            found.add(403)
        if "{" in self.path:
            found.add(404)
        if view.limits.get(action):
            found.add(429)
        return found

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        return [
            {
                "in": "path",
                "name": name,
                "required": True,
                "schema": PATH_PARAMETERS[name][0],
                "description": PATH_PARAMETERS[name][1],
            }
            for name in variables
        ]


def _may_be_left_empty(parameter: dict[str, Any]) -> None:
    """`?type=` in an address is the same as no `type`, as the forms of browsers send it."""
    if parameter["in"] != "query" or parameter.get("required") or parameter["schema"].get("type") != "string":
        return
    schema = parameter["schema"]
    schema.pop("minLength", None)
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], ""]
    if "pattern" in schema:
        schema["pattern"] = f"^$|{schema['pattern']}"


def _answer(description: str, problem: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": problem}}
    return {"description": description, "headers": headers, "content": content}
