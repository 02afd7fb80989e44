"""The OpenAPI document held against real replies: each reply a test sees must be in it, to the last field."""

from functools import lru_cache
from typing import Any

import orjson
from django.http import HttpResponse
from django.urls import Resolver404, resolve
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

UNDESCRIBED = {405, 406, 500}  # what the document's `default` is for


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The document as it is served, with unknown members forbidden in every object it describes."""
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    found: dict[str, Any] = orjson.loads(orjson.dumps(generator.get_schema(public=True), default=str))
    for schema in found["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return found


def check(method: str, path: str, response: HttpResponse) -> None:
    """Fails for a reply that the document does not describe."""
    try:
        template = _template(resolve(path).route)
    except Resolver404:
        return
    if template.startswith("/^"):  # answers 404 for whatever is not there below /admin/database
        return
    if response.status_code in UNDESCRIBED or method.lower() not in document()["paths"][template]:
        return
    if response.streaming:
        described = _described(template, method.lower(), str(response.status_code), response["Content-Type"])
        assert described["schema"] == {"type": "string", "format": "binary"}
        return
    kind = response.get("Content-Type", "") if response.content else ""
    validator = _validator(template, method.lower(), str(response.status_code), kind)
    body = orjson.loads(response.content) if response.content else None
    faults = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
    assert not faults, f"{method} {path}: {faults}"


@lru_cache
def _validator(template: str, method: str, status: str, kind: str) -> Draft202012Validator:
    """What the document says of one reply; an empty one has no content there either."""
    schema = {**_described(template, method, status, kind)["schema"], "components": document()["components"]}
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _described(template: str, method: str, status: str, kind: str) -> dict[str, Any]:
    responses = document()["paths"][template][method]["responses"]
    assert status in responses, f"{method} {template} answers {status}, which is not documented"
    content: dict[str, Any] = responses[status].get("content", {"": {"schema": {}}})
    assert kind in content, f"{method} {template} answers {status} as {kind!r}, which is not documented"
    found: dict[str, Any] = content[kind]
    return found


@lru_cache
def _template(route: str) -> str:
    parts = [
        part.split(":")[-1].rstrip(">").join("{}") if part[0] == "<" else part for part in route.split("/")
    ]
    return "/" + "/".join(parts)
