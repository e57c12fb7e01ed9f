"""Conditions with entity tags (RFC 9110 §13.1): a reader that holds what there is gets 304, and nobody else does."""

from __future__ import annotations

from typing import Any

import pytest
from clients import ADMIN, Client

from handlers.etags import is_held, tag_of, tags_in, versions_in


@pytest.mark.parametrize(
    ("header", "held"),
    [
        (None, False),
        ("", False),
        ('"a.1"', True),
        ('W/"a.1"', True),
        ("*", True),
        (" * ", True),
        ('"x", "a.1"', True),
        ('"x","a.1","y"', True),
        ('W/"x" , W/"a.1"', True),
        (', ,"a.1"', True),
        ('"a.1-gzip"', True),
        ('W/"a.1-gzip"', True),
        ('"a.1;gzip"', True),
        ('"a.1--gzip"', True),
        ('"a.1-br"', True),
        ("a.1", False),
        ('"a.1', False),
        ('"a.10"', False),
        ('"a"', False),
        ('"a~.1"', False),
        ('"A.1"', False),
        ('w/"a.1"', False),
        ('junk "a.1"', False),
        ('junk, "a.1"', True),
        ('"x-gzip"', False),
        ('"*"', False),
    ],
)
def test_a_list_of_tags_is_compared_weakly(header: str | None, held: bool) -> None:
    assert is_held(header, '"a.1"') is held
    assert is_held(header, 'W/"a.1"') is held


def test_a_tag_may_hold_commas() -> None:
    assert tags_in('"a.1,b.2", W/"c"') == [(False, "a.1,b.2"), (True, "c")]
    assert is_held('"x", "a.1,b.2-gzip"', '"a.1,b.2"')
    assert not is_held('"a.1", "b.2"', '"a.1,b.2"')


def test_a_long_list_of_nothing_is_read_once() -> None:
    for nothing in (", " * 8000, ",x" * 8000, '"' * 16_000, 'W/"a' * 4000, '" ' * 8000):
        assert not is_held(nothing, '"q"')
    assert is_held(", " * 4000 + '"q"', '"q"')


def test_a_form_with_a_tag_of_its_own_is_not_another() -> None:
    assert not is_held('"v-gzip"', '"v"', codings=False)
    assert is_held('"v-gzip", "v"', '"v"', codings=False)


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        (None, None),
        ("*", None),
        ('"7"', {7}),
        ('"7.ab12"', {7}),
        ('"6", "7"', {6, 7}),
        ('W/"7"', set()),
        ('W/"6", "7-gzip"', {7}),
        ("7", set()),
        ('"x"', set()),
        ('"7' + "0" * 40 + '"', set()),
    ],
)
def test_if_match_is_compared_strongly(header: str | None, versions: set[int] | None) -> None:
    assert versions_in(header) == versions


def test_the_time_of_the_server_is_no_part_of_a_tag() -> None:
    assert tag_of(7, {"a": 1, "now": "x"}) == tag_of(7, {"a": 1, "now": "y"}) != tag_of(7, {"a": 2, "now": "x"})


FORMS = ["{}", "W/{}", '"nothing", {}', "*"]


@pytest.mark.parametrize("form", FORMS)
async def test_every_address_with_a_tag_answers_304(client: Client, form: str) -> None:
    poll = (await client.poll())["id"]
    wall = (await client.host("POST", "/api/walls", {"title": "T"}))["code"]
    for path in [
        f"/api/polls/{poll}",
        f"/api/walls/{wall}",
        f"/updates/polls/{poll}?wait=0",
        "/api/openapi.json",
        f"/updates/polls/{poll},walls/{wall}?wait=0",
        "/static/css/base.css",
        "/packs/pages.css",
    ]:
        first = await client.ask("GET", path)
        etag = first.headers["ETag"]
        held = {"If-None-Match": form.format(etag)}
        for method in ("GET", "HEAD"):
            again = await client.ask(method, path, headers=held)
            assert (again.status, again.body, again.headers["ETag"]) == (304, b"", etag), (method, path)
        other = await client.ask("GET", path, headers={"If-None-Match": '"nothing"'})
        assert (other.status, other.body[:20]) == (200, first.body[:20]), path


async def test_a_tag_that_a_proxy_wrote_on_is_held(client: Client) -> None:
    poll = (await client.poll())["id"]
    etag = (await client.updates(f"polls/{poll}")).headers["ETag"]
    for written in (f"W/{etag}", etag[:-1] + '-gzip"', f'W/{etag[:-1]}-gzip"'):
        assert (await client.updates(f"polls/{poll}", headers={"If-None-Match": written})).status == 304
    await client.vote(poll, "1")
    moved = await client.updates(f"polls/{poll}", f"wait=10&since={etag[1:-1]}")
    assert moved.json["events"]
    assert (await client.updates(f"polls/{poll}", headers={"If-None-Match": etag})).status == 200


async def test_a_tag_of_one_reader_is_not_anothers(client: Client) -> None:
    poll = (await client.poll(results="on_publish"))["id"]
    wall = (await client.host("POST", "/api/walls", {"title": "T"}))["code"]
    await client.poll(open=False, wall=wall)
    streams = [f"/updates/{name}?wait=0" for name in (f"polls/{poll}", f"walls/{wall}")]
    for path in (f"/api/polls/{poll}", f"/api/walls/{wall}", *streams):
        host = await client.ask("GET", path, token=ADMIN)
        guest = await client.ask("GET", path)
        assert host.headers["ETag"] != guest.headers["ETag"], path
        crossed = await client.ask("GET", path, headers={"If-None-Match": host.headers["ETag"]})
        assert crossed.status == 200, path


async def test_a_ballot_makes_another_tag_of_its_poll(client: Client) -> None:
    poll, voter = (await client.poll())["id"], await client.voter()
    path = f"/api/polls/{poll}"
    before = (await client.ask("GET", path, token=voter)).headers["ETag"]
    await client.vote(poll, "1", voter)
    after = await client.ask("GET", path, token=voter, headers={"If-None-Match": before})
    assert after.status == 200 and after.json["ballot"]["choices"] == ["1"]


async def test_a_change_for_one_of_several_versions_is_made_once(client: Client) -> None:
    poll = await client.poll(open=False)
    path = f"/api/polls/{poll['id']}"
    etag = (await client.ask("GET", path, token=ADMIN)).headers["ETag"]

    async def change(title: str, held: str) -> Any:
        return await client.ask("PUT", path, {"title": title}, token=ADMIN, headers={"If-Match": held})

    assert (await change("A", f"W/{etag}")).code == "conflict"
    assert (await change("A", '"0", "nothing"')).code == "conflict"
    assert (await change("A", f'"0", {etag}')).status == 200
    assert (await change("B", f'"0", {etag}')).code == "conflict"
    assert (await change("B", "*")).status == 200
