"""How much of what is not complete is kept; how many connections there may be; whose address is whose."""

from __future__ import annotations

import pytest

from livewall.errors import Busy
from livewall.file_limit import most_connections
from livewall.own_addresses import limited
from livewall.pending_bodies import Bodies, Share


def test_one_address_may_hold_a_part_and_all_together_the_whole() -> None:
    bodies = Bodies(most=100, most_of_one=60)
    bodies.take("a", 60)
    with pytest.raises(Busy) as refused:
        bodies.take("a", 1)
    assert refused.value.code == "rate"
    bodies.take("b", 40)
    with pytest.raises(Busy) as refused:
        bodies.take("c", 1)
    assert refused.value.code == "unavailable"
    bodies.give_back("a", 60)
    bodies.take("c", 60)
    assert bodies.held == 100


def test_a_share_is_given_back_once_and_what_was_refused_is_not_held() -> None:
    bodies = Bodies(most=100, most_of_one=60)
    share = Share(bodies, "a")
    share.take(50)
    with pytest.raises(Busy):
        share.take(50)
    assert bodies.held == 50
    share.release()
    share.release()
    assert bodies.held == 0 and not bodies._of


def test_files_are_kept_for_the_store_and_for_tasks() -> None:
    assert most_connections(1024, 10, 4) == 1024 - 10 - 64 - 32
    assert most_connections(400, 10, 4) == 294
    assert most_connections(64, 10, 4) == 22
    assert most_connections(10, 12, 4) == 1


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:c000:207", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("junk", "junk"),
        ("ju:nk", "ju:nk"),
        ("", ""),
    ],
)
def test_an_ipv6_network_counts_as_one_address(address: str, counted: str) -> None:
    assert limited(address) == counted
