"""Who there is to sign in as."""

from django.conf import settings

from chatbackend.env import kept_secret
from conversations.models import User

PEOPLE = ("alice", "bob", "carol")
ADMIN = "admin"
ACCOUNTS = (*PEOPLE, ADMIN)
EXTRAS = {"demo-agent": "Demo Agent", "demo-agent-2": "Second Demo Agent", "demo-guest": "Demo Guest"}


def password() -> str:
    """DEMO_PASSWORD; in the one-command machine otherwise a random one that is kept. Empty where there is none."""
    if settings.DEMO_PASSWORD or not settings.EMBEDDED:
        return str(settings.DEMO_PASSWORD)
    return kept_secret(settings.STATE_DIR / "demo_password", size=9)


def make_demo_accounts(secret: str) -> None:
    """alice, bob and carol, and `admin` who may do everything."""
    for name in PEOPLE:
        User.objects.create_user(name, secret, display_name=name.capitalize())
    User.objects.create_superuser(ADMIN, secret, display_name="Admin")


def missing() -> dict[str, str]:
    """The people of the demo data who have no account yet, and their display names."""
    wanted = {name: name.capitalize() for name in PEOPLE} | EXTRAS
    known = set(User.objects.filter(username__in=wanted).values_list("username", flat=True))
    return {name: shown for name, shown in wanted.items() if name not in known}
