"""What is said."""

from messaging.models.mentions import Mention
from messaging.models.messages import Message
from messaging.models.reactions import Reaction

__all__ = ["Mention", "Message", "Reaction"]
