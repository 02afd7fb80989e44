"""Which webhooks somebody may see: the one place where it is written down."""

from typing import TYPE_CHECKING, Self

from django.db import models

from conversations.models import BusinessAgent, User

if TYPE_CHECKING:
    from webhooks.models import Webhook  # noqa: F401 - named by the generic below


class WebhookQuerySet(models.QuerySet["Webhook"]):
    """Webhooks."""

    def managed_by(self, user: User) -> Self:
        """All of them for staff, otherwise those of the businesses that this person owns.

        Uses index: webhooks_business, business_agents_unique_user.
        """
        if user.is_staff:
            return self
        owned = BusinessAgent.objects.filter(user=user, role=BusinessAgent.Role.OWNER)
        return self.filter(business_id__in=owned.values("business_id"))
