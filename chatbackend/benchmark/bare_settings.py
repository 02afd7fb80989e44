"""The project's settings with no middleware and no address but those of the bare views."""

from chatbackend.settings import *  # noqa: F403 - the same in all else

MIDDLEWARE = []
ROOT_URLCONF = "chatbackend.benchmark.bare"
