"""The service of questions: what the audience of a wall asks, and votes up. Acknowledged is what was committed."""

from __future__ import annotations

import secrets as random
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from livewall import audit, wire
from livewall.clock import Clock, iso
from livewall.errors import BadInput, NotFound, invalid
from livewall.hub.live_hub import LiveHub
from livewall.hub.position import View
from livewall.identity import Secrets, Who, keyed
from livewall.names import wall_code
from livewall.publisher import Publisher
from livewall.questions import rows, rules
from livewall.questions.rules import Question
from livewall.rooms.access import speaker
from livewall.rooms.message_text import message_text
from livewall.rooms.people import person_in
from livewall.store.store import Store
from livewall.store.transaction import Transaction
from livewall.store.writer import Done


class Asked(NamedTuple):
    """A question, and whether this call asked it: otherwise the same `id` had asked it before."""

    question: Question
    new: bool


class QuestionsShown(msgspec.Struct):
    """The questions of a wall that somebody may see, in the order in which they are shown, and their own votes."""

    items: list[Question]
    voted: list[int]


class Voted(msgspec.Struct):
    """Whether the caller votes a question up."""

    n: int
    voted: bool


class Questions:
    """`publisher` publishes the votes of walls (`rows.publish_votes`)."""

    def __init__(self, store: Store, hub: LiveHub, secrets: Secrets, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._hub = hub
        self._secrets = secrets
        self._publisher = publisher
        self._clock = clock

    async def start(self) -> None:
        """Publish the votes that an earlier process has counted and not published."""
        for wall in await self._store.read(rows.walls_that_moved):
            self._publisher.changed(wall)

    async def list(self, code: str, who: Who) -> QuestionsShown:
        """Return the questions that `who` may see, in their order. Raises NotFound."""
        code = wall_code(code)
        stream = rows.stream_of(code)
        try:
            view = await self._hub.view(stream, who)
        except NotFound:
            raise NotFound("not_found", f"there are no questions on wall {code[:12]}") from None
        mine = None if who.role is None and who.voter is None else self._key(code, who)
        held, voted = await self._store.read(
            lambda db: (rows.questions(db, code), [] if mine is None else rows.voted(db, code, mine))
        )
        seen = [each for each in held if view is View.FULL or each.state in rules.VISIBLE]
        numbers = {each.n for each in seen}
        return QuestionsShown(rules.in_order(seen), [number for number in voted if number in numbers])

    async def has_own(self, code: str, who: Who) -> bool:
        """Return whether a person votes for questions of a wall, their own included."""
        mine = self._key(wall_code(code), who)
        return bool(await self._store.read(lambda db: rows.voted(db, wall_code(code), mine)))

    def ask(self, code: str, given: wire.QuestionIn | wire.Ask, who: Who, done: Done) -> None:
        """Ask something; `done` gets an `Asked` once it is on the disk. Raises NotAllowed, BadInput, Busy at once, and
        passes NotFound, NotAllowed, Refused to `done`."""
        code = wall_code(code)
        person, text = person_in(rows.stream_of(code), who, self._secrets), message_text(given.text, rules.MAX_TEXT)
        asker, id, now = self._key(code, who), given.id or random.token_urlsafe(12), iso(self._clock())
        shown = ("", "") if given.anonymous else (person.id, person.name)

        def write(tx: Transaction) -> Asked:
            setting = rows.setting(tx, code)
            if setting != "off" and (before := rows.asked_before(tx, code, asker, id)) is not None:
                return Asked(before, False)
            held = rows.counts(tx, code)
            rules.check_may_ask(setting, who, unanswered=rows.unanswered(held), asked=sum(held.values()))
            number = rows.last_number(tx, code) + 1
            made = Question(number, id, *shown, text, now, rules.first_state(setting, who), votes=1)
            rows.insert(tx, code, asker, made)
            rows.append_info(tx, code, setting)
            return Asked(made, True)

        self._store.submit(write, done)

    def vote(self, code: str, number: int, who: Who, done: Done, *, up: bool = True) -> None:
        """Vote a question up once, or take such a vote back; `done` gets a `Voted`. Raises and passes what `ask`
        does."""
        code = wall_code(code)
        voter = self._key(code, who)

        def write(tx: Transaction) -> bool:
            rules.check_may_vote(rows.setting(tx, code), rows.question(tx, code, number), who)
            change = rows.insert_vote if up else rows.delete_vote
            moved = change(tx, code, number, voter)
            if moved:
                rows.add_votes(tx, code, number, 1 if up else -1)
            return moved

        def written(moved: bool | None, error: BaseException | None) -> None:
            if moved:
                self._publisher.changed(code)
            done(Voted(number, up) if error is None else None, error)

        self._store.submit(write, written)

    async def decide(self, code: str, number: int, given: wire.QuestionEdit, who: Who) -> Question:
        """Change the state of a question, or its answer. Raises NotFound, BadInput."""
        if given.state is UNSET and given.answer is UNSET:
            raise BadInput("invalid", "give a state, an answer or both")
        code, now, answer = wall_code(code), iso(self._clock()), given.answer
        if isinstance(answer, str):
            try:
                answer = message_text(answer)
            except BadInput as problem:
                raise invalid("answer", problem.fields["text"]) from None

        def write(tx: Transaction) -> Question:
            setting = rows.setting(tx, code)
            before = rows.question(tx, code, number)
            after = msgspec.structs.replace(
                before,
                state=before.state if given.state is UNSET else given.state,
                answer=before.answer if answer is UNSET else UNSET if answer is None else answer,
            )
            if after == before:
                return before
            rows.decide(tx, code, before, after)
            if after.state != before.state:
                rows.append_info(tx, code, setting)
            audit.note(tx, who, now, f"question.{after.state}", rows.stream_of(code), question=number)
            return after

        return await self._store.write(write)

    def _key(self, code: str, who: Who) -> bytes:
        """Return what a person's questions and votes on a wall are stored under. Raises NotAllowed (`no_voter`)."""
        return keyed(self._secrets.cookie, f"question:{code}:{speaker(who)}".encode())[:16]
