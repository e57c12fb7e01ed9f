"""Tokens, names and limits."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.http_headers import client_address
from livewall.errors import Busy, LivewallError
from livewall.identity import Secrets
from livewall.limits import LONGEST_DELAY, Limit, Limits, full_at
from livewall.names import CODE_ALPHABET, new_receipt, new_wall_code, wall_code

SECRETS = Secrets(b"c" * 32, b"b" * 32, "admin")


def test_a_voters_token_names_its_voter() -> None:
    voter, token = SECRETS.new_voter()
    assert SECRETS.voter(token) == voter


@given(st.text(max_size=120))
def test_no_made_up_token_names_a_voter(text: str) -> None:
    assert SECRETS.voter(text) is None


def test_a_token_signed_elsewhere_names_nobody() -> None:
    assert SECRETS.voter(Secrets(b"x" * 32, b"b" * 32, "admin").new_voter()[1]) is None


def test_ballots_of_two_polls_cannot_be_joined() -> None:
    assert SECRETS.stored_voter("p1", "v") != SECRETS.stored_voter("p2", "v")


def test_the_secret_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    first = Secrets.load(tmp_path / "data")
    assert Secrets.load(tmp_path / "data") == first
    assert (tmp_path / "data" / "secret").stat().st_mode & 0o777 == 0o600


def test_a_given_admin_token_goes_before_the_kept_one(tmp_path: Path) -> None:
    assert Secrets.load(tmp_path, admin="mine").admin == "mine"


def test_a_receipt_has_80_bits_in_16_characters() -> None:
    receipts = {new_receipt() for _ in range(1000)}
    assert len(receipts) == 1000 and {len(r) for r in receipts} == {16}


def test_a_typed_code_forgives_case_spaces_and_dashes() -> None:
    code = new_wall_code()
    assert set(code) <= set(CODE_ALPHABET)
    assert wall_code(f" {code[:3].lower()}-{code[3:].lower()} ") == code


def test_a_limit_lets_a_burst_through_and_then_its_rate() -> None:
    limit = Limit(10, 30)
    assert [bool(limit.take("v", 0.0)) for _ in range(31)] == [False] * 30 + [True]
    assert limit.take("v", 0.1) == 0
    assert limit.take("v", 0.1) > 0
    assert limit.take("w", 0.1) == 0


def test_a_limit_forgets_keys_that_are_full_again() -> None:
    limit = Limit(10, 30, most=100)
    for n in range(1000):
        limit.take(f"v{n}", float(n))
    assert len(limit) <= 101


def test_forwarded_headers_count_only_from_a_trusted_proxy() -> None:
    inside = [ip_network("10.0.0.0/8")]
    assert client_address("10.0.0.1", ["1.2.3.4, 10.0.0.9"], inside) == "1.2.3.4"
    assert client_address("5.6.7.8", ["1.2.3.4"], inside) == "5.6.7.8"
    assert client_address("10.0.0.1", [], inside) == "10.0.0.1"


def test_a_bucket_that_is_empty_says_so_until_time_fills_it() -> None:
    at = 0.0
    for _ in range(400):
        found = full_at(at, 100.0, rate=50, burst=400)
        assert found is not None
        at = found
    assert full_at(at, 100.0, rate=50, burst=400) is None
    assert full_at(at, 100.1, rate=50, burst=400) is not None


def test_wrong_codes_are_limited_for_a_voter_and_held_back_for_an_address() -> None:
    limits = Limits()
    assert [limits.wrong_code("v", "hall", 0.0) for _ in range(10)] == [0.0] * 10
    with pytest.raises(Busy) as refused:
        limits.wrong_code("v", "hall", 0.0)
    assert refused.value.code == "rate" and refused.value.retry_after == pytest.approx(5)
    assert limits.wrong_code("v", "hall", 5.0) == 0.0
    waits = [limits.wrong_code(f"v{n}", "hall", 5.0) for n in range(60)]
    assert waits == [0.0] * 49 + [LONGEST_DELAY] * 11
    assert limits.wrong_code("w", "elsewhere", 5.0) == 0.0 == limits.wrong_code("x", "hall", 5.3)
    assert [Limits(on=False).wrong_code("v", "hall", 0.0) for _ in range(99)] == [0.0] * 99


@pytest.mark.parametrize("empty", ["cookie", "ballot", "admin"])
def test_a_secret_with_an_empty_key_counts_as_damaged(tmp_path: Path, empty: str) -> None:
    Secrets.load(tmp_path)
    held = json.loads((tmp_path / "secret").read_text())
    (tmp_path / "secret").write_text(json.dumps(held | {empty: ""}))
    with pytest.raises(LivewallError):
        Secrets.load(tmp_path)
