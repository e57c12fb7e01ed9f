"""A rehearsal of talking in a room: people say things, a host withdraws some and mutes somebody, and readers follow."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from livewall.client.calls import segment
from livewall.rehearsal.checks import Fault
from livewall.rehearsal.crowd import Crowd
from livewall.rehearsal.talk_checks import Saying, TalkLedger, compare_said, wrong_entries
from livewall.rehearsal.viewer import Viewer
from livewall.rehearsal.visitor import Visitor

MESSAGES_PER_SECOND = 20.0  # of all people together
LEAST_PAUSE = 4.0  # seconds between two messages of one person
WITHDRAWN_SHARE = 0.03  # of the messages
SHOWN = 200  # messages that a snapshot has
WORDS = "wall hall screen vote room answer moment question light row seat speaker later maybe sure thanks"


class Speaker(Visitor):
    """Somebody who talks in a room, now and then."""

    def __init__(self, crowd: TalkCrowd, name: str, transport: str) -> None:
        super().__init__(crowd.run, name, transport, more=[crowd.stream])
        self._crowd = crowd
        self._saying = ""

    async def take_part(self) -> None:
        crowd = self._crowd
        await crowd.begun.wait()
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / crowd.pause))
            if self.run.over.is_set():
                return
            self.busy = True
            await self._say(" ".join(self.chance.choices(WORDS.split(), k=self.chance.randint(2, 12))))
            self.busy = False

    async def _say(self, text: str) -> None:
        crowd, id = self._crowd, f"{self.name.replace(' ', '-')}-{secrets.token_urlsafe(6)}"
        saying = crowd.ledger.said[id] = Saying(self.name, text)
        self._saying = id
        self.run.record_host_action(id, "said", 0, False)
        given = {"text": text, "id": id}
        act = {"do": "say", "room": crowd.room, **given}
        answer, unclear = await self.act_until_known("said", act, "POST", f"{crowd.path}/messages", given)
        if "error" not in answer:
            saying.number = answer["n"]
        elif not unclear:
            saying.refused = True

    def answer_lost(self) -> None:
        self.run.forget_action((self._saying, "said", 0, False))

    def heard(self, stream: str, message: dict[str, Any]) -> None:
        self.told_of(message)


class Listener(Viewer):
    """A reader that notes what it hears beside the wall."""

    def heard(self, stream: str, message: dict[str, Any]) -> None:
        self.told_of(message)


class FollowingCrowd(Crowd):
    """People and screens that follow a `stream` beside the wall, with what people know of what they said there."""

    stream: str

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.ledger = TalkLedger()
        self.begun = asyncio.Event()
        super().__init__(*arguments, **options)

    def screen(self, name: str, transport: str) -> Viewer:
        return Listener(self.run, name, transport, audience=True, more=[self.stream])

    @property
    def unknown(self) -> int:
        return self.ledger.unknown


class TalkCrowd(FollowingCrowd):
    acts = "messages"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.withdrawn: list[int] = []
        test_wall = arguments[2]
        self.room: str = test_wall.room
        self.path, self.stream = f"/api/rooms/{segment(self.room)}", f"rooms/{self.room}"
        self.pause = max(LEAST_PAUSE, options["voters"] / MESSAGES_PER_SECOND)
        super().__init__(*arguments, **options)

    def person(self, name: str, transport: str) -> Speaker:
        return Speaker(self, name, transport)

    async def take_place(self, start: float) -> None:
        self.phase = "people talk"
        await self.activate(self.stream)
        self.begun.set()
        end, done = start + self.seconds, 0
        muted: str | None = None
        while self.run.now() < end:
            await asyncio.sleep(0.5)
            known = [saying.number for saying in self.ledger.said.values() if saying.number is not None]
            if len(known) * WITHDRAWN_SHARE > done:
                number = self.run.chance.choice(known)
                await self.server.delete(f"{self.path}/messages/{number}")
                self.withdrawn.append(number)
                self.run.figures.acts["withdraw"] += 1
                done += 1
            if known and muted is None and self.run.now() > (start + end) / 2:
                muted = await self._mute(known[-1])
        if muted:
            await self.server.put(f"{self.path}/people/{muted}", {"muted": False})

    async def _mute(self, number: int) -> str:
        """Mute who said a message; return an empty text if nobody knows any more who it was."""
        found = await self.server.get(f"{self.path}/messages?after={number - 1}&limit=1")
        person: str = found["items"][0].get("from", "")
        if person:
            self.run.figures.acts["mute"] += 1
            await self.server.put(f"{self.path}/people/{person}", {"muted": True})
        return person

    async def check(self) -> list[Fault]:
        self.phase = "the messages of all readers are compared"
        found = await self.messages()
        newest = {f"message/{each['n']}": each for each in found[-SHOWN:]}

        def wrong(viewer: Viewer) -> str | None:
            shown = viewer.chains[self.stream].state.entries
            return wrong_entries({key: shown[key] for key in shown if key in newest}, newest)

        await self.compare(wrong, self.stream)
        return compare_said(self.ledger, found, self.withdrawn)

    async def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while page := (await self.server.get(f"{self.path}/messages?after={len(found)}&limit=200"))["items"]:
            found += page
        return found
