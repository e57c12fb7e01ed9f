"""Lists of the API, read page after page."""

from __future__ import annotations

from typing import Any

from livewall.client.calls import Server, segment


async def pages(server: Server, path: str) -> list[dict[str, Any]]:
    """Return all items of a list, from all of its pages."""
    items: list[dict[str, Any]] = []
    query = ""
    while True:
        answer = await server.get(path + query)
        items += answer["items"]
        if not answer.get("next"):
            return items
        query = f"{'&' if '?' in path else '?'}before={segment(str(answer['next']))}"
