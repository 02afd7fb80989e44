"""Callers of the REST API."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import orjson
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken

from conversations.models import User
from tests import contract

BASE = "/api/v1"


class Api:
    """Somebody with a token, or nobody. Paths are given from /api/v1 on, those of staff whole; `?a=b` by keywords.

    Every reply is held against the OpenAPI document.
    """

    def __init__(self, user: User | None = None, *, token: str | None = None, **headers: str) -> None:
        self.http = Client(headers={"X-Request-ID": "from-a-test", **headers})
        self.token = str(AccessToken.for_user(user)) if user else token

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> HttpResponse:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        base = "" if path.startswith("/admin/") else BASE
        url = f"{base}{path}?{urlencode(query)}" if query else f"{base}{path}"
        kind = "application/json"
        response: Any = self.http.generic(method, url, data, content_type=kind, headers=headers)
        contract.check(method, url.partition("?")[0], response)
        return response  # type: ignore[no-any-return]

    def upload(self, content: bytes = b"hello", name: str = "note.txt", **fields: Any) -> HttpResponse:
        """A form with this file, unless `fields` say otherwise."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        given = fields or {"file": SimpleUploadedFile(name, content)}
        response: Any = self.http.post(f"{BASE}/attachments", given, headers=headers)
        contract.check("POST", f"{BASE}/attachments", response)
        return response  # type: ignore[no-any-return]

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.call("GET", path, **query)

    def post(self, path: str, body: Any = None) -> HttpResponse:
        return self.call("POST", path, body)

    def put(self, path: str, body: Any = None) -> HttpResponse:
        return self.call("PUT", path, body)

    def patch(self, path: str, body: Any = None) -> HttpResponse:
        return self.call("PATCH", path, body)

    def delete(self, path: str) -> HttpResponse:
        return self.call("DELETE", path)


def read(response: Any, status: int = 200) -> Any:
    """The JSON of a reply that must have this status."""
    assert response.status_code == status, response.content
    return orjson.loads(response.content) if response.content else None


def problem(response: Any, status: int) -> Any:
    """The problem of a refusal that must have this status."""
    assert response["Content-Type"] == "application/problem+json", response.content
    return read(response, status)


def pages(api: Api, path: str, **query: Any) -> Iterator[Any]:
    """A list, page by page, to its end."""
    page = read(api.get(path, **query))
    yield page["results"]
    while page["next"]:
        page = read(api.get(path, **query, cursor=page["next"]))
        yield page["results"]
