"""Accounts: registering, profiles, and people first seen in a token of the platform."""

import hashlib
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from conversations import access
from conversations.exceptions import Conflict, Invalid
from conversations.models import User
from conversations.services import audit, notices
from conversations.services.audit import Action

IMPORTED = "@import"  # ends the names of imported accounts whose own name is somebody's already
MAX_USERNAME = 64


def register(*, username: str, password: str, display_name: str = "") -> User:
    """A new account. Names that differ only by case are refused, so that nobody passes for another.

    Uses index: users_username_trgm to say so early; users_unique_spelling decides.
    """
    if username.casefold().endswith(IMPORTED):
        raise Conflict("This username is kept for imported accounts.", code="username_taken")
    user = User(username=username, display_name=display_name)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid.field("password", " ".join(error.messages), code="weak_password") from error
    try:
        with transaction.atomic():
            if User.objects.filter(username__iexact=username).exists():
                raise Conflict("This username is taken.", code="username_taken")
            made = User.objects.create_user(username, password, display_name=display_name)
            audit.keep(Action.REGISTERED, actor=made.pk)
            return made
    except IntegrityError as error:
        raise Conflict("This username is taken.", code="username_taken") from error


def update_profile(*, user: User, **changes: Any) -> User:
    """Changes one's own display name or picture. Raises Unauthenticated where the account was closed meanwhile: what
    was erased does not come back by it."""
    if changes and not User.objects.active().filter(pk=user.pk).update(**changes):
        access.require_active(user.pk)
    for name, value in changes.items():
        setattr(user, name, value)
    return user


def set_active(*, user_ids: Collection[UUID], active: bool) -> set[UUID]:
    """Closes accounts or opens them again; returns those that were not so before. A closed one's tokens are refused."""
    changing = User.objects.filter(pk__in=user_ids, is_active=not active)
    with transaction.atomic():
        changed = set(changing.select_for_update().values_list("pk", flat=True))
        User.objects.filter(pk__in=changed).update(is_active=active)
        for user in () if active else changed:
            notices.tell(user_id=user, change="signed_out")
    return changed


def user_of_platform(kaha_id: str) -> UUID:
    """The account of a person of the Kaha platform, made when their token is first seen."""
    known = User.objects.filter(kaha_id=kaha_id).values_list("pk", flat=True).first()
    if known:
        return known
    defaults = {"username": _platform_name(kaha_id), "display_name": "", "password": "!"}
    user, _ = User.objects.get_or_create(kaha_id=kaha_id, defaults=defaults)
    return user.pk


def _platform_name(kaha_id: str) -> str:
    """Nobody can register a name with a colon. An id too long for the column is told by its digest."""
    name = f"kaha:{kaha_id}"
    return name if len(name) <= MAX_USERNAME else f"kaha:{hashlib.sha256(kaha_id.encode()).hexdigest()[:40]}"
