"""The scenes of a projector that shows the questions of a wall, or a room."""

from __future__ import annotations

from handlers.pages.page import Page
from handlers.pages.scene import Scene
from handlers.view_models.screen_talk import screen_lines, screen_questions
from livewall.errors import NotAllowed, NotFound
from livewall.identity import ROLES, Who

READ = 30
"""The newest messages that are read: those of them that were withdrawn are not shown."""


class TalkScenes(Page):
    """A page that shows questions and rooms as well as polls and tasks, always as `who` sees them."""

    async def scene(self, stream: str | None, who: Who) -> Scene:
        kind, _, name = (stream or "").partition("/")
        if kind == "questions":
            return await self.questions_scene(name, who)
        if kind == "rooms":
            return await self.room_scene(name, who)
        return await super().scene(stream, who)

    def role_names(self) -> dict[str, str]:
        """Return the badges of those who speak in rooms with a role."""
        return {role: self.say(f"room.role.{role}") for role in (*ROLES, "system")}

    async def questions_scene(self, code: str, who: Who) -> Scene:
        try:
            shown = await self.services.questions.list(code, who)
        except NotFound:
            return self.lobby("", self.say("screen.asks_off"))
        return Scene(kind="questions", title=self.say("screen.questions"), asked=screen_questions(shown.items))

    async def room_scene(self, name: str, who: Who) -> Scene:
        try:
            room, _ = await self.services.rooms.get(name, who)
            said = await self.services.rooms.history(name, who, before=None, after=None, limit=READ, search="")
        except NotAllowed:
            return self.lobby("", self.say("screen.room_signed_in"))
        except NotFound:
            return self.lobby("", self.say("screen.room_gone"))
        return Scene(kind="room", title=room.title, lines=screen_lines(said))
