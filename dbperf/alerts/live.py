"""Whoever wants to hear at once that alerts changed, such as a project's socket. What there is to see they ask for
themselves: a change names an alert and says nothing of it."""

import logging
from collections.abc import Callable, Collection

logger = logging.getLogger(__name__)

Listener = Callable[[Collection[int]], None]
_listeners: list[Listener] = []


def heard_by(listener: Listener) -> None:
    """From now on it is called with the ids of alerts that changed, after the commit."""
    if listener not in _listeners:
        _listeners.append(listener)


def tell(changed: Collection[int]) -> None:
    """A listener that fails keeps nobody else from hearing."""
    for listener in _listeners:
        try:
            listener(changed)
        except Exception as error:  # whatever it is, the alerts are kept
            logger.warning("a change of alerts could not be told live (%s)", type(error).__name__)
