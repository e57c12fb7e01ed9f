"""The forms of a wall's host page for questions, reactions and rooms. They do what its scripts do by the API."""

from __future__ import annotations

from handlers.pages.desk import DeskForm, decode_fields
from handlers.pages.poll_form import whole_number
from handlers.pages.rooms import address_of
from livewall import wire
from livewall.errors import BadInput
from livewall.names import wall_code


class AskingForm(DeskForm):
    """POST /desk/walls/CODE/asking: change what the audience may do, or add and remove items that are no polls."""

    async def act(self, form: dict[str, str], *args: str) -> tuple[str, str]:
        code, version, item = wall_code(args[0]), whole_number(form, "version"), form.get("item", "")
        wall, _ = await self.services.walls.get(code, self.who)
        match form.get("do"):
            case "set":
                given = {"questions": form.get("questions", "off"), "reactions": form.get("reactions") == "yes"}
                await self.services.walls.edit(code, decode_fields(given, wire.WallEdit), self.who, version=version)
                return "asks", "asking"
            case "add":
                items = wall.items if item in wall.items else [*wall.items, item]
            case "remove":
                items = [each for each in wall.items if each != item]
            case "make":
                title = form.get("title", "").strip()
                given_room = decode_fields({"name": address_of(title), "title": title}, wire.RoomIn)
                room, _ = await self.services.rooms.create(given_room, self.who)
                items = [*wall.items, f"rooms/{room.name}"]
            case _:
                raise BadInput("invalid", "unknown act")
        edit = decode_fields({"items": items}, wire.WallEdit)
        await self.services.walls.edit(code, edit, self.who, version=version)
        return "items", "asking"


class DecisionForm(DeskForm):
    """POST /desk/walls/CODE/questions: decide about a question of the audience."""

    async def act(self, form: dict[str, str], *args: str) -> tuple[str, str]:
        number, do = whole_number(form, "n") or 0, form.get("do", "")
        given = {"answer": form.get("answer", "").strip() or None} if do == "answer" else {"state": do}
        await self.services.questions.decide(args[0], number, decode_fields(given, wire.QuestionEdit), self.who)
        return "decided", "asking"
