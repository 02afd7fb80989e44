"""Calling addresses that other people chose. Knows nothing of webhooks: the project lends it to dbperf's alerts."""

from webhooks.outside.calling import Reply, call
from webhooks.outside.rules import Refused, Rules, target

__all__ = ["Refused", "Reply", "Rules", "call", "target"]
