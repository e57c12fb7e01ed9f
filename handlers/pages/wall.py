"""The audience's page of a wall: the vote, and for walls that have them the tabs of the questions and of the room."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from handlers.pages import joining
from handlers.pages.audience import AudiencePage, RefusedForm
from handlers.pages.page_cache import SharedPage
from handlers.view_models.option_rows import format_count
from handlers.view_models.question_rows import question_rows
from livewall.errors import LivewallError, NotFound
from livewall.identity import NOBODY
from livewall.rooms.rows import Room
from livewall.wall_rows import Wall

REFRESH = 10
"""The seconds after which a list of questions without scripts reloads. It never does while somebody may be writing."""


@dataclass(frozen=True)
class Tabs:
    """The tabs of a wall, and the one that is shown. `chosen` says whether the reader asked for it."""

    names: list[str]
    shown: str
    chosen: bool
    room: Room | None


@dataclass(frozen=True)
class RefusedQuestion:
    """A question that was refused: the reason, and what was filled in. The page shows it again."""

    reason: str
    form: dict[str, str]


class WallPage(joining.CodeForm, AudiencePage):
    """GET /w/CODE"""

    scripts = (*AudiencePage.scripts, "tabs", "question", "reaction")

    async def get(self, code: str) -> None:
        try:
            if await self.show_shared(lambda: self.shared_wall(code)):
                return
            wall = await self.wall_of(code, self.who)
        except NotFound:
            canonical = await self.resolve_code(code)
        else:
            canonical = wall.code
            if canonical == code:
                await self.show(None, wall)
                return
        if canonical:
            self.redirect_to_wall(canonical)

    async def shared_wall(self, code: str) -> SharedPage | None:
        """Return the shared page of a wall. It is None if a task is shown, whose changes the cache does not see, or if
        the code is not spelled as on the screen."""
        wall = await self.wall_of(code, NOBODY)
        if wall.code != code or (wall.active or "").startswith("tasks/"):
            return None
        return await self.shared(None, wall)

    async def page_values(
        self, stream: str | None, wall: Wall | None, refused: RefusedForm | None = None
    ) -> dict[str, Any]:
        values = await super().page_values(stream, wall, refused)
        if wall is None:
            return values
        pack, static = self.services.assets.pack, self.static_url
        unpacked = self.request.query_arguments.get("packs") == [b"off"]
        names = ("questions", "talk")
        values["data"]["panels"] = {
            name: static(f"js/pages/{name}.js") if unpacked else pack(f"{name}.js").url for name in names
        }
        if (wall.active or "").partition("/")[0] in ("rooms", "questions"):
            values["data"]["active"] = None  # the vote, which scripts update, shows no such item
        tabs = await self.tabs_of(wall)
        if tabs is None:
            return values
        values["data"]["tabs"] = {"shown": tabs.shown, "chosen": tabs.chosen, "names": tabs.names}
        values |= {"tabs": tabs, "wall": wall, "legacy": tabs.shown == "vote"}
        if tabs.shown != "vote":
            values["refresh"] = REFRESH
        if "questions" in tabs.names:
            values |= await self.question_values(wall, tabs)
        return values

    async def tabs_of(self, wall: Wall) -> Tabs | None:
        """Return the tabs of a wall, or None for a wall that has only votes."""
        room = await self.room_of(wall)
        names = ["vote", *(["questions"] if wall.setting != "off" else []), *(["talk"] if room else [])]
        if len(names) == 1:
            return None
        asked = self.argument("tab") if self.request.method != "POST" else "questions"
        kind = (wall.active or "").partition("/")[0]
        follows = {"questions": "questions", "rooms": "talk"}.get(kind, "vote")
        chosen = asked in names
        return Tabs(names, asked if chosen else follows if follows in names else "vote", chosen, room)

    async def room_of(self, wall: Wall) -> Room | None:
        """Return the active room of a wall, or else the first one that the reader may read."""
        items = [item for item in (wall.active, *wall.items) if item and item.startswith("rooms/")]
        for item in dict.fromkeys(items):
            try:
                return (await self.services.rooms.get(item.partition("/")[2], self.who))[0]
            except LivewallError:
                continue
        return None

    async def question_values(self, wall: Wall, tabs: Tabs, refused: RefusedQuestion | None = None) -> dict[str, Any]:
        """Return what the template needs for the questions. The list is on the page only where they are shown."""
        is_get = self.request.method != "POST"
        writing = refused is not None or (is_get and self.argument("ask") == "1")
        values: dict[str, Any] = {"asking": writing, "question_refused": refused, "format_count": format_count}
        values["question_id"] = ((refused and refused.form) or {}).get("id") or (
            secrets.token_urlsafe(9) if writing else ""
        )
        values["question_done"] = self.argument("done") if is_get else ""
        if tabs.shown == "questions":
            values["asked"] = question_rows(await self.services.questions.list(wall.code, self.who))
            if writing:
                values["refresh"] = 0
        return values
