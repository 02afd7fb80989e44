from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth import forms
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from conversations.admin.listing import BOUND, SearchedAdmin, as_uuid
from conversations.models import User
from conversations.services.users import set_active

if TYPE_CHECKING:  # generic in the stubs only
    AddForm = forms.AdminUserCreationForm[User]
    ChangeForm = forms.UserChangeForm[User]
    AccountAdmin = DjangoUserAdmin[User]
else:
    AddForm, ChangeForm, AccountAdmin = forms.AdminUserCreationForm, forms.UserChangeForm, DjangoUserAdmin

PRIVILEGES = ("is_superuser", "groups", "user_permissions")


class UserAddForm(AddForm):
    """A new account."""

    class Meta:
        model = User
        fields = ("username",)
        field_classes = {"username": forms.UsernameField}


class UserForm(ChangeForm):
    """An account; its password is set on a page of its own."""

    class Meta:
        model = User
        fields = "__all__"
        field_classes = {"username": forms.UsernameField}


@admin.register(User)
class UserAdmin(SearchedAdmin, AccountAdmin):
    """Accounts. They are closed and opened again, never deleted: what they said stays."""

    form = UserForm
    add_form = UserAddForm
    list_display = ("username", "display_name", "kaha_id", "is_active", "is_staff", "date_joined")
    list_filter = ()
    ordering = ("-pk",)
    search_fields = ("pk",)
    search_help_text = f"An id, a Kaha id, or part of a name. The newest {BOUND:,} are listed."
    actions = ("deactivate", "activate")
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Profile", {"fields": ("display_name", "avatar_url", "kaha_id")}),
        ("May", {"fields": ("is_active", "is_staff", *PRIVILEGES)}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    def find(self, rows: QuerySet[User], word: str) -> QuerySet[User]:
        """Uses index: users_pkey, users_username_trgm, users_display_name_trgm, users_unique_kaha_id."""
        rows = rows.order_by("-pk")
        if not word:
            return rows
        if found := as_uuid(word):
            return rows.filter(pk=found)
        return User.objects.matching(word).order_by("-pk") | rows.filter(kaha_id=word)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Only a superuser hands out privileges, or somebody could give them to themselves."""
        fields = super().get_readonly_fields(request, obj)
        return (*fields, *(() if _is_superuser(request) else PRIVILEGES))

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nor does anybody else touch a superuser's account."""
        if obj is not None and obj.is_superuser and not _is_superuser(request):
            return False
        return super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Closing an account here closes its sockets, too."""
        if change and "is_active" in form.changed_data:
            set_active(user_ids=[obj.pk], active=obj.is_active)
        super().save_model(request, obj, form, change)

    @admin.action(description="Close the selected accounts", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """They cannot sign in, and their tokens stop working."""
        self._set_active(request, queryset, active=False)

    @admin.action(description="Open the selected accounts again", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """The opposite."""
        self._set_active(request, queryset, active=True)

    def _set_active(self, request: HttpRequest, queryset: QuerySet[User], *, active: bool) -> None:
        chosen = [user for user in queryset[:BOUND] if self.has_change_permission(request, user)]
        changed = set_active(user_ids=[user.pk for user in chosen if user != request.user], active=active)
        for user in chosen:
            if user.pk in changed:
                self.log_change(request, user, "Opened." if active else "Closed.")
        self.message_user(request, f"{len(changed)} changed", messages.SUCCESS)


def _is_superuser(request: HttpRequest) -> bool:
    account: Any = request.user
    return bool(account.is_superuser)
