"""Bodies of the endpoints that sign people in and out."""

from django.core.validators import RegexValidator

from conversations.fields import NameField, TextField, UsernameField
from conversations.inputs import BodySerializer

MAX_TOKEN = 8_192
USERNAME = r"^[\w.@+-]+\Z"  # no colon: names with one belong to accounts of the platform


class RegisterSerializer(BodySerializer):
    """A new account."""

    username = UsernameField(
        min_length=3, max_length=64, validators=[RegexValidator(USERNAME, code="invalid")]
    )
    password = TextField(max_length=128)
    display_name = NameField(max_length=80, default="", allow_blank=True)


class SignInSerializer(BodySerializer):
    """Whoever this is."""

    username = UsernameField(max_length=64)
    password = TextField(max_length=128)


class RefreshSerializer(BodySerializer):
    """A refresh token."""

    refresh = TextField(max_length=MAX_TOKEN)


class VerifySerializer(BodySerializer):
    """An access or a refresh token."""

    token = TextField(max_length=MAX_TOKEN)
