"""A page of a list, in the shape that all lists of the API share."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Listing(Struct, Generic[T]):
    """Items, the newest first, and the cursor of the page after this one; None on the last."""

    items: list[T]
    next: str | None
