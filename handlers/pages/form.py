"""Pages that take a form, and the error page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tornado.escape

from handlers.base import ApiHandler, BaseHandler
from handlers.request_bodies import BodyTooLarge
from livewall.errors import BadInput, LivewallError, NotAllowed


class FormHandler(ApiHandler):
    """A page that takes a form. Forms can sign a browser in, so each has to prove that it is ours."""

    page = True
    requires_own_page = True
    accepts_forms = True
    most_fields = 64
    _values: dict[str, list[bytes]] | None = None

    def values(self) -> dict[str, list[bytes]]:
        """Return every value of each field, parsed once. Raises BadInput before parsing if the form has too many
        fields."""
        if self._values is None:
            raw = self.raw()
            if raw.count(b"&") >= self.most_fields:
                raise BadInput("too_large", f"a form has at most {self.most_fields} fields here")
            self._values = tornado.escape.parse_qs_bytes(raw, keep_blank_values=True)
        return self._values

    def fields(self) -> dict[str, str]:
        """Return the last value of each field. Raises if the form cannot prove that it is ours."""
        fields = {name: each[-1].decode("utf-8", "replace") for name, each in self.values().items()}
        self.check_form_token(fields.get("_form", ""))
        return fields

    @contextmanager
    def limit_guesses(self) -> Iterator[None]:
        """Count an invalid code or token against the client's address. A valid one is never counted and never refused.
        Raises Busy (`rate`) instead of the refusal if too many were wrong."""
        try:
            yield
        except NotAllowed:
            self.services.limits.wrong_sign_in(self.address, self.services.monotonic())
            raise

    def show_error(self, error: LivewallError) -> None:
        if isinstance(error, BodyTooLarge):
            error = BadInput(error.code, self.say("error.form_limit", limit=error.limit))
        show_error_page(self, error, self.back_link())

    def back_link(self) -> tuple[str, str]:
        """Return where a refused form leads: an address and its name."""
        return self.reverse_url("home"), self.say("error.home")


def show_error_page(
    handler: BaseHandler, error: LivewallError, back: tuple[str, str] | None = None, *, key: str = ""
) -> None:
    """Show an error as a page. `back` is a link and its name, or else the start page. `key` selects another text of the
    catalogue than the code of the error, and leaves out the error's message."""
    back = back or (handler.reverse_url("home"), handler.say("error.home"))
    handler.set_header("Content-Type", "text/html; charset=utf-8")
    code, message = (key, "") if key else (error.code, error.message)
    handler.render("error.html", status=error.status, code=code, message=message, back=back)
