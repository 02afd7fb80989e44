"""Lists of the admin that stay fast on any number of rows.

Django's own list counts the whole table, sorts by any column and filters by any field. Here a list is narrowed by a
search word only, each kind of which has an index that also gives the order, and no more than BOUND rows are counted.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

BOUND = 1_000

if TYPE_CHECKING:  # generic in the stubs only
    AnyPaginator = Paginator[Any]
    AnyAdmin = admin.ModelAdmin[Any]
else:
    AnyPaginator = Paginator
    AnyAdmin = admin.ModelAdmin


class BoundedPaginator(AnyPaginator):
    """Pages of the first BOUND rows; it never counts further."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows[:BOUND].count()


class SearchedList(ChangeList):
    """A list whose rows and order both come from the admin's `find`; other parameters of the URL mean nothing."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        self.filter_specs: list[Any] = []
        self.has_filters = self.has_active_filters = False
        listed: Any = self.model_admin
        found: QuerySet[Any] = listed.find(self.root_queryset, self.query.strip())
        return found.select_related(*listed.list_select_related) if listed.list_select_related else found

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return list(queryset.query.order_by)


class SearchedAdmin(AnyAdmin):
    """The base of our admins. `search_help_text` says which words `find` understands."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 50
    list_filter = ()
    sortable_by = ()
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    search_fields = ("pk",)  # shows the box; `find` reads it

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SearchedList

    def find(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        """The rows that a search word means, in the order of the index that finds them; without one, the newest."""
        raise NotImplementedError

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted by hand: rows hang together by counters and versions."""
        return False


class ReadOnlyAdmin(SearchedAdmin):
    """Rows that only services may change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def as_uuid(word: str) -> UUID | None:
    """The id that a word is, if it is one."""
    try:
        return UUID(word)
    except ValueError:
        return None


def keyword(word: str) -> tuple[str, str]:
    """`type:image` as `("type", "image")`; a word without a colon has no keyword."""
    name, colon, value = word.partition(":")
    return (name.lower(), value.strip()) if colon else ("", word)
