"""Private messages without a server: whose stream it is, how a room keeps it, and who may write to whom."""

from __future__ import annotations

import re

import pytest

from livewall.errors import Busy, LivewallError, NotAllowed, Refused
from livewall.identity import NOBODY, Secrets, Who
from livewall.rooms.inbox_names import inbox_of, opened, sealed
from livewall.rooms.inbox_rules import check_may_write, check_not_too_many
from livewall.rooms.people import Person
from livewall.rooms.rows import PersonRow

SECRETS, OTHERS = Secrets(b"k" * 32, b"b" * 32, "admin"), Secrets(b"o" * 32, b"b" * 32, "admin")
ANN, BO = Who(voter="ann"), Who(voter="bo")
HOST = Who("host", "Lin", "c1")
PERSON, MODERATOR = Person("a", "Ann", "guest", False), Person("l", "Lin", "host", True)


def test_everybody_has_one_stream_whose_name_says_nothing() -> None:
    names = [inbox_of(who, SECRETS) for who in (ANN, BO, HOST, Who("host", "Lin", "c2"))]
    assert len(set(names)) == 4 and inbox_of(ANN, OTHERS) not in names
    assert all(re.fullmatch("inbox/[a-z2-7]{32}", name) for name in names)
    assert inbox_of(Who("host", "Lin", "c1", voter="ann"), SECRETS) == names[2], (
        "with a role, it is that of the sign-in"
    )
    with pytest.raises(NotAllowed):
        inbox_of(NOBODY, SECRETS)


def test_a_room_keeps_it_so_that_two_rooms_cannot_be_joined() -> None:
    inbox = inbox_of(ANN, SECRETS)
    seals = {place: sealed(inbox, *place, SECRETS) for place in (("ops", "p1"), ("lobby", "p1"), ("ops", "p2"))}
    assert len(set(seals.values())) == 3
    for place, seal in seals.items():
        assert opened(seal, *place, SECRETS) == inbox != opened(seal, *place, OTHERS)


@pytest.mark.parametrize(
    ("person", "muted", "to_host", "blocks", "blocked", "code"),
    [
        (PERSON, False, False, False, False, None),
        (PERSON, True, False, False, False, "muted"),
        (PERSON, True, True, False, False, None),
        (MODERATOR, True, False, False, False, None),
        (PERSON, False, True, False, True, "blocked"),
        (MODERATOR, False, False, False, True, "blocked"),
        (PERSON, True, False, False, True, "blocked"),
        (PERSON, False, False, True, True, "conflict"),
    ],
)
def test_who_may_write(
    person: Person, muted: bool, to_host: bool, blocks: bool, blocked: bool, code: str | None
) -> None:
    try:
        check_may_write(person, PersonRow(muted=muted), to_host=to_host, blocks=blocks, blocked=blocked)
    except LivewallError as error:
        assert error.code == code and isinstance(error, (NotAllowed, Refused))
    else:
        assert code is None


def test_the_limit_is_over_a_day_after_the_message_that_filled_it() -> None:
    check_not_too_many(None, "2026-01-02T00:00:00.000Z")
    with pytest.raises(Busy) as refused:
        check_not_too_many("2026-01-01T06:00:00.000Z", "2026-01-02T00:00:00.000Z")
    assert refused.value.retry_after == 6 * 3600
