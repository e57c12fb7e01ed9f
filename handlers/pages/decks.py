"""Forms for hosts that import a deck into a wall and copy a wall."""

from __future__ import annotations

import secrets
from codecs import BOM_UTF16_BE, BOM_UTF16_LE

from tornado.httputil import HTTPFile, HTTPInputError, parse_body_arguments

from handlers.pages.form import FormHandler
from handlers.pages.page import Page
from handlers.request_bodies import MAX_BODY
from livewall.errors import BadInput, LivewallError
from livewall.names import wall_code
from livewall.voting.decks.deck import plain, text_of
from livewall.voting.decks.reader import DeckFault

QUOTED = 60
"""The number of characters of a faulty line that are quoted beside its error."""


class DeckPage(FormHandler, Page):
    """GET and POST /w/CODE/deck: import polls from a text or a file. Errors are shown above what was typed."""

    write_right = "host"

    body_limit = MAX_BODY

    _deck = b""

    async def get(self, code: str) -> None:
        self.require("host")
        await self.show(code)

    async def post(self, code: str) -> None:
        form = self.fields()
        try:
            imported, _ = await self.services.decks.add(code, self._deck, self.who, import_id=form.get("id") or None)
        except LivewallError as error:
            if error.status >= 500:
                raise
            self.set_status(error.status)
            await self.show(code, typed=typed(self._deck), error=error)
            return
        code = wall_code(code)
        done = "deck_marks" if imported.notes else "deck"
        self.redirect(f"{self.reverse_url('wall_host', code)}?done={done}&at=wall-{code}#wall-{code}", status=303)

    def back_link(self) -> tuple[str, str]:
        return self.reverse_url("wall_deck", self.path_args[0]), self.say("error.back_to", page=self.say("deck.title"))

    async def show(self, code: str, *, typed: str = "", error: LivewallError | None = None) -> None:
        wall = await self.wall_of(code, self.who)
        problems = error.problems if isinstance(error, DeckFault) else ()
        lines = plain(typed).split("\n")
        faults = [(line, quote(lines[line - 1]) if line <= len(lines) else "", why) for line, why in problems]
        self.render(
            "deck.html",
            wall=wall,
            faults=faults,
            error_text=error.message if error else "",
            typed=typed,
            name=secrets.token_hex(12),  # a form that is sent twice imports once
        )

    def fields(self) -> dict[str, str]:
        """Return the fields of the form. The deck is the chosen file, or else what was typed."""
        arguments: dict[str, list[bytes]] = {}
        files: dict[str, list[HTTPFile]] = {}
        try:
            parse_body_arguments(self.request.headers.get("Content-Type", ""), self.raw(), arguments, files)
        except HTTPInputError:
            raise BadInput("malformed", "this is not a form") from None
        fields = {name: values[-1].decode("utf-8", "replace") for name, values in arguments.items()}
        self.check_form_token(fields.get("_form", ""))
        uploads = [file.body for file in files.get("file", []) if file.body]
        self._deck = uploads[-1] if uploads else arguments.get("deck", [b""])[-1]
        return fields


class WallDuplicateForm(FormHandler, Page):
    """POST /w/CODE/duplicate: copy the wall and redirect to the copy."""

    write_right = "host"

    async def post(self, code: str) -> None:
        self.fields()
        wall, _ = await self.services.decks.duplicate(code, self.who)
        host_path = self.reverse_url("wall_host", wall.code)
        self.redirect(f"{host_path}?done=duplicate&at=wall-{wall.code}", status=303)


def typed(data: bytes) -> str:
    """Return the text of a file that was refused, to show it again; empty for a workbook."""
    if b"\0" in data and not data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return ""
    try:
        return text_of(data)
    except BadInput:
        return data.decode("utf-8-sig", "replace")


def quote(line: str) -> str:
    return line if len(line) <= QUOTED else line[: QUOTED - 1] + "…"
