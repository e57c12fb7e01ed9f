"""A deck of everything strange on the projector: each question whole, nothing beyond the edge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from browsing import ADMIN, Hall
from tornado.httpclient import HTTPRequest

STRANGE = Path(__file__).resolve().parents[1] / "decks" / "strange.md"
SHOWN = "title => document.querySelector('.poll h1')?.textContent === title"
BEYOND = """() => {
  const parts = [...document.querySelectorAll('.poll h1, .row, .row .label, .row .figures, .note, .join, header > *')];
  const out = parts.filter(part => {
    const { left, top, right, bottom } = part.getBoundingClientRect();
    return left < -1 || top < -1 || right > innerWidth + 1 || bottom > innerHeight + 1;
  });
  const rows = [...document.querySelectorAll('.row')].map(row => row.getBoundingClientRect());
  const title = document.querySelector('.poll h1').getBoundingClientRect();
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  const over = rows.filter((row, place) => meet(row, title) || rows.slice(place + 1).some(next => meet(row, next)));
  const page = document.documentElement;
  return [out.length, over.length, page.scrollWidth - innerWidth, page.scrollHeight - innerHeight];
}"""
LABELS = "() => [...document.querySelectorAll('.row .label')].map(label => label.textContent)"


async def test_everything_strange_has_its_place_on_the_projector(hall: Hall) -> None:
    wall = await hall.wall()
    request = HTTPRequest(
        f"{hall.url}/api/walls/{wall}/deck", "POST", {"Authorization": f"Bearer {ADMIN}"}, STRANGE.read_bytes()
    )
    polls: list[dict[str, Any]] = json.loads((await hall.http.fetch(request)).body)["polls"]
    screen = await hall.projector(f"/w/{wall}/screen")
    for poll in polls:
        await hall.ask("POST", f"/api/polls/{poll['id']}/open")
        await hall.show(wall, f"polls/{poll['id']}")
        await screen.wait_for_function(SHOWN, arg=poll["title"])
        assert await screen.evaluate(LABELS) == [option["label"] for option in poll["options"]]
        assert await screen.evaluate(BEYOND) == [0, 0, 0, 0], poll["title"]
