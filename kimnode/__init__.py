"""kimnode: an offline-first messaging node for villages without signal."""

__version__ = "0.1.0"
