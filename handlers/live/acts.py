"""The acts of a socket: votes, what is said and asked, and subscriptions.

Each is decoded, passed to one service, and answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from handlers.api.polls import ballot_outcome
from handlers.live.replies import Replies
from handlers.live.streams import MAX_STREAMS, stream_name, too_many
from livewall import wire
from livewall.errors import Busy, LivewallError, NotAllowed
from livewall.hub.reader import Reader
from livewall.limits import is_guess
from livewall.rooms.access import speaker
from livewall.services import Services
from livewall.store.writer import Done
from livewall.voting.ballots import Cast

MAX_UNDER_WAY = 32

Act = wire.AnyAct


class MessageRate:
    """Limits how many messages one connection may send that no other limit counts."""

    __slots__ = ("_full_at", "_services")

    def __init__(self, services: Services) -> None:
        self._services = services
        self._full_at = 0.0

    def take(self) -> None:
        """Count a message. Raises Busy (`rate`)."""
        full_at = self._services.limits.message(self._full_at, self._services.monotonic())
        if full_at is None:
            raise Busy("rate", "too many messages on this connection")
        self._full_at = full_at


class Acts:
    """Carries out the acts of one connection and counts those under way.

    `poll_of` returns the poll that an act is about, given the one that it names. `finished` is called whenever an act
    has ended.
    """

    __slots__ = (
        "_address",
        "_changes",
        "_finished",
        "_poll_of",
        "_reacting",
        "_reader",
        "_replies",
        "_services",
        "_task",
        "under_way",
    )

    def __init__(
        self,
        services: Services,
        reader: Reader,
        replies: Replies,
        *,
        address: str,
        poll_of: Callable[[str | None], str],
        finished: Callable[[], None],
    ) -> None:
        self._services = services
        self._reader = reader
        self._replies = replies
        self._address = address
        self._poll_of = poll_of
        self._finished = finished
        self._changes: list[wire.Subscribe | wire.Unsubscribe] = []
        self._task: asyncio.Task[None] | None = None
        self._reacting: set[asyncio.Task[None]] = set()
        self.under_way = 0

    @property
    def is_full(self) -> bool:
        return self.under_way >= MAX_UNDER_WAY

    def perform(self, act: Act) -> bool:
        """Begin an act; its reply is sent when it is done. Return whether no other limit counts this message.

        Raises LivewallError if the act is refused at once.
        """
        match act:
            case wire.Vote():
                self._vote(act)
            case wire.Retract():
                self._retract(act)
            case wire.Say():
                self._say(act)
            case wire.Typing():
                self._services.room_presence.types(act.room, self._reader.who)
                self._replies.ok(act.ref, {})
                return True
            case wire.Ask():
                self._ask(act)
            case wire.Upvote():
                self._upvote(act)
            case wire.React():
                self._react(act)
            case wire.Subscribe() | wire.Unsubscribe():
                self.under_way += 1
                self._changes.append(act)
                # A task runs exactly while the list holds changes, so the first one of them starts it.
                if len(self._changes) == 1:
                    self._task = asyncio.ensure_future(self._perform_changes())
                return True
        return False

    def close(self) -> None:
        """Give up the subscriptions under way, because the connection is closed. Ballots are cast all the same."""
        if self._task is not None:
            self._task.cancel()

    def _end(self) -> None:
        self.under_way -= 1
        self._finished()

    # -- ballots

    def _vote(self, act: wire.Vote) -> None:
        poll, voter = self._poll_of(act.poll), self._voter()

        def done(cast: Cast | None, error: BaseException | None) -> None:
            self._end()
            if act.code:
                # The guess is counted only now, because only the store knows whether the code was wrong.
                error = self._count_code(voter, error)
            if cast is None:
                self._replies.error(act.ref, error)
                return
            self._services.metrics.ballot[ballot_outcome(cast)].inc()
            self._replies.ok(act.ref, cast.ballot)

        if act.code:
            self._vote_in_turn(poll, voter, act, done)
        else:
            self._services.booth.cast(poll, voter, act, done)
            self.under_way += 1

    def _vote_in_turn(
        self, poll: str, voter: str, act: wire.Vote, done: Callable[[Cast | None, BaseException | None], None]
    ) -> None:
        """Cast a ballot with a code, which may have to wait for its turn. Raises Busy (`rate`)."""
        wait = self._services.limits.code_delay(voter, self._address, self._services.monotonic())
        self.under_way += 1

        def cast() -> None:
            try:
                self._services.booth.cast(poll, voter, act, done)
            except LivewallError as error:  # the server is stopping
                done(None, error)

        if wait:
            asyncio.get_running_loop().call_later(wait, cast)
        else:
            cast()

    def _count_code(self, voter: str, error: BaseException | None) -> BaseException | None:
        """Count an invalid code, and return the error to send to the voter."""
        is_wrong = isinstance(error, LivewallError) and is_guess(error)
        try:
            self._services.limits.code_checked(voter, self._address, self._services.monotonic(), wrong=is_wrong)
        except Busy as busy:
            return busy
        return error

    def _retract(self, act: wire.Retract) -> None:
        poll, voter = self._poll_of(act.poll), self._voter()

        def done(cast: Cast | None, error: BaseException | None) -> None:
            self._end()
            if cast is None:
                self._replies.error(act.ref, error)
            else:
                self._replies.ok(act.ref, cast.ballot)

        self._services.booth.retract(poll, voter, act.round, done)
        self.under_way += 1

    def _voter(self) -> str:
        voter: str | None = self._reader.who.voter
        if voter is None:
            raise NotAllowed("no_voter", "get a voter with POST /api/voters, and send its token when you connect")
        self._services.limits.act(voter, self._services.monotonic())
        return voter

    # -- rooms

    def _say(self, act: wire.Say) -> None:
        who = self._reader.who
        self._services.limits.say(speaker(who), self._services.monotonic(), room=act.room, size=len(act.text))
        given = wire.MessageIn(act.text, act.id, act.reply_to)
        self._services.rooms.say(act.room, given, who, self._answer(act.ref, lambda said: said.message))
        self.under_way += 1

    # -- questions and reactions

    def _ask(self, act: wire.Ask) -> None:
        who = self._reader.who
        self._services.limits.ask(speaker(who), act.wall, self._services.monotonic(), host=who.host)
        self._services.questions.ask(act.wall, act, who, self._answer(act.ref, lambda asked: asked.question))
        self.under_way += 1

    def _upvote(self, act: wire.Upvote) -> None:
        who = self._reader.who
        self._services.limits.act(speaker(who), self._services.monotonic())
        self._services.questions.vote(act.wall, act.n, who, self._answer(act.ref, lambda voted: voted))
        self.under_way += 1

    def _react(self, act: wire.React) -> None:
        who = self._reader.who
        self._services.limits.react(speaker(who), self._services.monotonic())
        done = self._answer(act.ref, lambda _: {})

        async def react() -> None:
            try:
                await self._services.reactions.react(act.wall, act.reaction, who)
            except Exception as error:
                done(None, error)
            else:
                done(None, None)

        self.under_way += 1
        task = asyncio.ensure_future(react())
        self._reacting.add(task)
        task.add_done_callback(self._reacting.discard)

    def _answer(self, ref: str, shown: Callable[[Any], Any]) -> Done:
        """Return the `done` of an act: it answers with what `shown` makes of the result, or with the error."""

        def done(result: Any, error: BaseException | None) -> None:
            self._end()
            if error is not None:
                self._replies.error(ref, error)
            else:
                self._replies.ok(ref, shown(result))

        return done

    # -- subscriptions

    async def _perform_changes(self) -> None:
        """Carry out one change after the other, so that the last one wins and the limit on streams holds."""
        while self._changes:
            act = self._changes[0]
            try:
                await self._perform_change(act)
            except Exception as error:
                self._replies.error(act.ref, error)
            # Removed after it ended, not before: the length of the list says whether a task runs.
            self._changes.pop(0)
            self._end()

    async def _perform_change(self, act: wire.Subscribe | wire.Unsubscribe) -> None:
        reader, hub = self._reader, self._services.hub
        if isinstance(act, wire.Unsubscribe):
            hub.hub.detach(reader, act.stream)
            self._replies.ok(act.ref, {"stream": act.stream})
            return
        if act.stream not in reader.cursors and len(reader.cursors) >= MAX_STREAMS:
            raise too_many()
        await hub.attach(reader, stream_name(act.stream), act.since)
        # At once, so that the reply comes before the first event of the stream.
        self._replies.ok(act.ref, {"stream": act.stream}, now=True)
        hub.hub.start(reader)
