"""Livewall shows a room, live, what is being decided and what is being done."""

__version__ = "0.2.0"
