"""Polls and ballots over HTTP. Each method reads the input, calls one service, and writes the answer."""

from __future__ import annotations

import asyncio
import csv
import io

from handlers.base import ApiHandler
from handlers.request_bodies import LARGE_BODY
from livewall import wire
from livewall.errors import NotAllowed
from livewall.store.writer import settle
from livewall.voting.ballots import Cast
from livewall.voting.kinds import kind_of


class VotersHandler(ApiHandler):
    """POST /api/voters: create an anonymous voter for a program."""

    async def post(self) -> None:
        self.body(wire.Nothing)
        self.services.limits.new_voter(self.address, self.services.monotonic())
        _, token = self.services.secrets.new_voter()
        self.answer({"token": token}, 201)


class PollsHandler(ApiHandler):
    """POST and GET /api/polls"""

    write_right = "host"
    body_limit = LARGE_BODY

    async def get(self) -> None:
        self.require("host")
        self.answer(await self.services.polls.list(**self.page_arguments()))

    async def post(self) -> None:
        poll, version = await self.services.polls.create(self.body(wire.PollIn), self.who)
        self.set_header("Location", f"/api/polls/{poll.id}")
        self.answer(poll, 201, version=version)


class PollHandler(ApiHandler):
    """GET, PUT and DELETE /api/polls/ID"""

    write_right = "host"
    body_limit = LARGE_BODY

    async def get(self, poll_id: str) -> None:
        self.answer_versioned(*await self.services.polls.detail(poll_id, self.who))

    async def put(self, poll_id: str) -> None:
        poll, version = await self.services.polls.edit(
            poll_id, self.body(wire.PollEdit), self.who, version=self.if_match()
        )
        self.answer(poll, version=version)

    async def delete(self, poll_id: str) -> None:
        self.body(wire.Nothing)
        await self.services.polls.archive(poll_id, self.who, version=self.if_match())
        self.answer({})


class PhaseHandler(ApiHandler):
    """POST /api/polls/ID/open, close, publish, reset"""

    write_right = "host"

    async def post(self, poll_id: str, act: str) -> None:
        polls, version = self.services.polls, self.if_match()
        match act:
            case "open":
                self.body(wire.Nothing)
                poll, version = await polls.open(poll_id, self.who, version=version)
            case "close":
                self.body(wire.Nothing)
                poll, version = await polls.close(poll_id, self.who, version=version)
            case "publish":
                published = self.body(wire.PublishIn).published
                poll, version = await polls.publish(poll_id, published, self.who, version=version)
            case _:
                poll, version = await polls.reset(poll_id, self.body(wire.ResetIn).round, self.who, version=version)
        self.answer(poll, version=version)


class TimerHandler(ApiHandler):
    """POST /api/polls/ID/timer: change the end of an open poll."""

    write_right = "host"

    async def post(self, poll_id: str) -> None:
        poll, version = await self.services.polls.timer(
            poll_id, self.body(wire.TimerIn), self.who, version=self.if_match()
        )
        self.answer(poll, version=version)


class RoundsHandler(ApiHandler):
    """GET /api/polls/ID/rounds: the tallies of all rounds."""

    async def get(self, poll_id: str) -> None:
        self.answer({"items": await self.services.results.rounds(poll_id, self.who)})


class DuplicateHandler(ApiHandler):
    """POST /api/polls/ID/duplicate: create a draft with the same question."""

    write_right = "host"

    async def post(self, poll_id: str) -> None:
        self.body(wire.Nothing)
        poll, version = await self.services.polls.duplicate(poll_id, self.who)
        self.set_header("Location", f"/api/polls/{poll.id}")
        self.answer(poll, 201, version=version)


class RestoreHandler(ApiHandler):
    """POST /api/polls/ID/restore: restore an archived poll."""

    write_right = "host"

    async def post(self, poll_id: str) -> None:
        self.body(wire.Nothing)
        poll, version = await self.services.polls.restore(poll_id, self.who)
        self.answer(poll, version=version)


class ReceiptHandler(ApiHandler):
    """GET /api/polls/ID/receipts/R: the ballot that was counted under a receipt."""

    async def get(self, poll_id: str, typed: str) -> None:
        services = self.services
        self.answer(await services.results.receipt(poll_id, typed, self.who))


class BallotHandler(ApiHandler):
    """PUT and DELETE /api/polls/ID/ballot. Both answer after the commit."""

    def authorize_change(self) -> None:
        if self.who.voter is None:
            raise NotAllowed("no_voter", "get a voter with POST /api/voters, and send its token")

    async def put(self, poll_id: str) -> None:
        voter = self.voter()
        ballot_in = self.body(wire.BallotIn)
        done: asyncio.Future[Cast] = asyncio.get_running_loop().create_future()
        if ballot_in.code is None:
            self.services.booth.cast(poll_id, voter, ballot_in, settle(done))
            cast = await done
        else:
            async with self.code_turn(voter, ballot_in.code):
                self.services.booth.cast(poll_id, voter, ballot_in, settle(done))
                cast = await done
        self.services.metrics.ballot[ballot_outcome(cast)].inc()
        self.answer(cast.ballot, 201 if cast.created else 200)

    async def delete(self, poll_id: str) -> None:
        voter = self.voter()
        round_number = self.body(wire.RetractIn).round
        done: asyncio.Future[Cast] = asyncio.get_running_loop().create_future()
        self.services.booth.retract(poll_id, voter, round_number, settle(done))
        self.answer((await done).ballot)

    def voter(self) -> str:
        """Return the client's voter after counting the request against its rate. Raises Busy (`rate`)."""
        assert self.who.voter is not None
        self.services.limits.act(self.who.voter, self.services.monotonic())
        return self.who.voter


def ballot_outcome(cast: Cast) -> str:
    return "created" if cast.created else "changed" if cast.changed else "same"


class BallotsHandler(ApiHandler):
    """DELETE /api/polls/ID/ballots. It answers once the ballots are gone."""

    write_right = "host"

    async def delete(self, poll_id: str) -> None:
        self.body(wire.Nothing)
        poll, version = await self.services.erasure.erase(poll_id, self.who, version=self.if_match())
        self.answer(poll, version=version)


class BallotsCsvHandler(ApiHandler):
    """GET /api/polls/ID/ballots.csv. If ballots were erased, the name of the file and a header say so."""

    async def get(self, poll_id: str) -> None:
        self.require("host")
        poll, ballots, erased = await self.services.results.ballots(poll_id)
        text = io.StringIO()
        writer = csv.writer(text)
        kind = kind_of(poll.kind)
        writer.writerow(["receipt", "round", *kind.columns])
        writer.writerows([row.receipt, row.round, *kind.cells(row.choices)] for row in ballots)
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        if erased:
            erasures = ", ".join(f"round {round_number} at {at}" for round_number, at in erased.items())
            self.set_header("Livewall-Ballots-Erased", erasures)
        suffix = "-erased" if erased else ""
        self.set_header("Content-Disposition", f'attachment; filename="ballots-{poll_id}{suffix}.csv"')
        self.finish(text.getvalue())


class ResultsHandler(ApiHandler):
    """GET /api/polls/ID/results.json"""

    async def get(self, poll_id: str) -> None:
        self.require("host")
        results = await self.services.results.export(poll_id)
        self.set_header("Content-Disposition", f'attachment; filename="results-{poll_id}.json"')
        self.answer(results)
