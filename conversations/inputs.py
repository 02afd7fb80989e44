"""Reading what a client sent: bodies strictly, queries by their text."""

from functools import cache, lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from django.http import QueryDict
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers
from rest_framework.request import Request

from conversations.exceptions import Invalid

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


class BodySerializer(serializers.Serializer[Any]):
    """A JSON object; fields it does not know are refused, so that a misspelt one is noticed."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := [name for name in data if name not in self.fields]):
            self._refuse([str(name)[:64] for name in unknown[:10]])
        return super().to_internal_value(data)

    def _refuse(self, unknown: list[str]) -> None:
        detail, code = "There is no such field here.", "unknown_field"
        if getattr(self, "parent", None) is not None:
            raise serializers.ValidationError({name: [detail] for name in unknown}, code=code)
        errors = [{"field": name, "code": code, "detail": detail} for name in unknown]
        raise Invalid(f"Unknown fields: {', '.join(unknown)}.", code=code, errors=errors)


class QuerySerializer(serializers.Serializer[Any]):
    """The parameters of an address. Names it does not know are let be."""


class LimitSerializer(QuerySerializer):
    """How much of a list is wanted."""

    limit = serializers.IntegerField(
        default=DEFAULT_LIMIT, min_value=1, max_value=MAX_LIMIT, help_text="How many results a page holds."
    )


def example(name: str, value: Any) -> OpenApiExample:
    """A body, for the OpenAPI document."""
    return OpenApiExample(name, value=value, request_only=True)


@cache
def _reader(serializer: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """One instance for all requests: making one copies all its fields, which costs more than using them.

    Validation keeps nothing on it.
    """
    return serializer()


def _read(serializer: type[serializers.Serializer[Any]], given: Any) -> dict[str, Any]:
    return dict(_reader(serializer).run_validation(given))


def read_body(serializer: type[BodySerializer], request: Request) -> dict[str, Any]:
    """The body's values. Raises what REST framework raises for input at fault, or Invalid."""
    return _read(serializer, request.data)


def read_query(serializer: type[QuerySerializer], request: Request) -> dict[str, Any]:
    """The query's values; a parameter without a value counts as left out."""
    return dict(_query(serializer, request.META.get("QUERY_STRING", "")))


@lru_cache(maxsize=4_096)
def _query(serializer: type[QuerySerializer], text: str) -> dict[str, Any]:
    """Kept by its text, which is all it depends on, not the moment: clients ask for the newest page over and over."""
    try:
        unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid("The query is not UTF-8.", code="malformed_query") from error
    return _read(serializer, {name: value for name, value in QueryDict(text).items() if value != ""})
