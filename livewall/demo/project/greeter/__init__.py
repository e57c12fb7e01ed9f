"""A small web service that greets."""

__version__ = "1.4.0"
