"""Which rows a person may see: the one place where visibility is written down."""

from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q

if TYPE_CHECKING:
    from conversations.models import Conversation, Participant, User  # noqa: F401 - named by the generics below


class UserQuerySet(models.QuerySet["User"]):
    """Accounts."""

    def active(self) -> Self:
        """Those that may sign in and be found."""
        return self.filter(is_active=True)

    def matching(self, text: str) -> Self:
        """By username or display name: anywhere in the name, from its start for one or two letters.

        Uses index: users_username_trgm, users_display_name_trgm (a trigram needs three letters, a prefix fewer).
        """
        lookup = "icontains" if len(text) > 2 else "istartswith"
        return self.filter(Q(**{f"username__{lookup}": text}) | Q(**{f"display_name__{lookup}": text}))

    def page(self, text: str, *, after: str | None, limit: int) -> Self:
        """The next `limit` by username, all of them where `text` is empty. Uses index: users_username_key."""
        found = self.matching(text) if text else self
        found = found.filter(username__gt=after) if after else found
        return found.order_by("username")[:limit]


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Conversations."""

    def visible_to(self, user_id: UUID) -> Self:
        """What this person takes part in, and every case of a business whose agent they are. Nothing once their
        account is closed.

        Uses index: participants_unique_user, business_agents_unique_user.
        """
        seat = apps.get_model("conversations", "Participant").objects.filter(
            conversation=OuterRef("pk"), user=user_id, left_at=None
        )
        agency = apps.get_model("conversations", "BusinessAgent").objects.filter(
            business_id=OuterRef("business_id"), user=user_id
        )
        viewer = apps.get_model("conversations", "User").objects.filter(pk=user_id, is_active=True)
        return self.filter(
            Exists(viewer), Q(Exists(seat)) | Q(Exists(agency), type="business"), deleted_at=None
        )


class ParticipantQuerySet(models.QuerySet["Participant"]):
    """Who takes part."""

    def live(self) -> Self:
        """Those who have not left or been removed."""
        return self.filter(left_at=None)
