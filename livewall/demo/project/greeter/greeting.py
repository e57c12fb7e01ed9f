"""What is said to whom."""

from __future__ import annotations

GREETINGS = {"de": "Guten Tag", "en": "Good day", "es": "Buenos días", "fr": "Bonjour", "it": "Buongiorno"}


def greeting(name: str, language: str = "en") -> str:
    """A greeting for `name`. Languages that are not known are greeted in English."""
    words = GREETINGS.get(language.lower().partition("-")[0], GREETINGS["en"])
    name = " ".join(name.split())
    return f"{words}, {name}!" if name else f"{words}!"
