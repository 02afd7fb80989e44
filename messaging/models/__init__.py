"""What is said."""

from messaging.models.mentions import Mention
from messaging.models.messages import Message

__all__ = ["Mention", "Message"]
