"""The project: settings, doors to the web servers, and the one-command machine."""

__version__ = "0.1.0"
