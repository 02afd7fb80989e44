"""The socket door: `/ws/chat`, subprotocol `chat.v1`."""

from messaging.consumers.chat import ChatConsumer

__all__ = ["ChatConsumer"]
