from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils import timezone
from uuid_utils.compat import uuid7

from conversations.querysets import UserQuerySet


class UserManager(BaseUserManager["User"]):
    """Makes accounts; what may be registered by whom is the services' business."""

    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def active(self) -> UserQuerySet:
        """Those that may sign in and be found."""
        return self.get_queryset().active()

    def matching(self, text: str) -> UserQuerySet:
        """By username or display name."""
        return self.get_queryset().matching(text)

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> "User":
        """An account with this password, or with none that works."""
        user: User = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> "User":
        """An account that may do everything in the admin."""
        return self.create_user(username, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """An account. `kaha_id` is the person's id in the Kaha platform, where they have one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kaha_id = models.CharField(max_length=64, null=True, blank=True)
    username = models.CharField(max_length=64, unique=True)
    display_name = models.CharField(max_length=80, blank=True)
    avatar_url = models.URLField(max_length=500, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"

    class Meta:
        db_table = "users"
        constraints = [
            # Sign-in by a token of the platform, and GET /users/by-kaha-id.
            models.UniqueConstraint(
                fields=["kaha_id"], condition=models.Q(kaha_id__isnull=False), name="users_unique_kaha_id"
            ),
            # Of two who register one name in two spellings at once, one is first. Imported and platform accounts
            # (no password fits them) keep the spelling they had elsewhere.
            models.UniqueConstraint(
                Upper("username"), condition=~models.Q(password__startswith="!"), name="users_unique_spelling"
            ),
        ]
        indexes = [
            # GET /users?search=; upper() because that is how Django compares without regard to case.
            GinIndex(OpClass(Upper("username"), name="gin_trgm_ops"), name="users_username_trgm"),
            GinIndex(OpClass(Upper("display_name"), name="gin_trgm_ops"), name="users_display_name_trgm"),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def name(self) -> str:
        """What others call this person."""
        return self.display_name or self.username
