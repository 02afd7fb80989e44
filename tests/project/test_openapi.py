"""The OpenAPI document and the page that shows it. That replies keep to it, `tests/contract.py` sees to everywhere."""

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.contract import document
from tests.project.test_access import ROWS

OPERATIONS = [
    (method, path, operation)
    for path, item in document()["paths"].items()
    for method, operation in item.items()
]
BY_NAME = pytest.mark.parametrize(
    ("method", "path", "operation"),
    OPERATIONS,
    ids=[operation["operationId"] for _, _, operation in OPERATIONS],
)


def test_it_is_made_without_a_warning() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=io.StringIO())


def test_it_is_openapi_3_1(client: Client) -> None:
    served = client.get("/api/schema").json()
    assert served["openapi"] == "3.1.0"
    validate(served)


def test_it_names_every_endpoint() -> None:
    assert len(OPERATIONS) == len({row.address for row in ROWS})


@BY_NAME
def test_every_operation_is_described(method: str, path: str, operation: dict[str, Any]) -> None:
    assert operation["description"]
    assert operation["tags"]
    assert "default" in operation["responses"]
    assert "503" in operation["responses"]
    for parameter in operation.get("parameters", ()):
        assert parameter.get("description"), parameter["name"]


@BY_NAME
def test_every_error_is_a_problem(method: str, path: str, operation: dict[str, Any]) -> None:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    errors = {status: reply for status, reply in operation["responses"].items() if status >= "4"}
    assert all(reply["content"] == problem for reply in errors.values())
    secured = operation["security"] != [{}]
    assert "401" in errors or not secured
    names_one = any(parameter["name"] == "conversation" for parameter in operation.get("parameters", ()))
    in_body = operation["operationId"] in {
        "database_analyze_query",
        "make_webhook",
    }  # of a statement, a business
    assert ("404" in errors) == ("{" in path or names_one or in_body)


def test_no_object_is_left_open() -> None:
    """Only metadata, an event's data, the numbers of a finding and PostgreSQL's own plan may hold anything."""
    schemas = document()["components"]["schemas"]
    free = {
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, inner in schema.get("properties", {}).items()
        if inner.get("type") == "object" and inner.get("additionalProperties") == {}
    }
    assert free == {
        "Message.metadata",
        "FoundMessage.metadata",
        "NewMessageRequest.metadata",
        "Event.data",
        "DatabaseFinding.evidence",
        "IndexSuggestion.evidence",
        "QueryPlan.plan",
    }


@BY_NAME
def test_examples_keep_to_their_schema(method: str, path: str, operation: dict[str, Any]) -> None:
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    assert all("examples" in part for body in bodies for part in body["content"].values())
    for content in (
        part for reply in [*bodies, *operation["responses"].values()] for part in _contents(reply)
    ):
        schema = {**content["schema"], "components": document()["components"]}
        for example in content.get("examples", {}).values():
            Draft202012Validator(schema).validate(example["value"])


def _contents(reply: dict[str, Any]) -> list[dict[str, Any]]:
    return list(reply.get("content", {}).values())
