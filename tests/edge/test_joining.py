"""Joining a wall: the code as it is typed, the wrong ones, the sheet to print."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from clients import ADMIN, Answer, Client

import server
from livewall.settings import Settings

SEEN_AS = {"2": "Z", "5": "S", "6": "G", "8": "B", "Q": "O", "T": "1"}


async def wall(client: Client, title: str = "Autumn Forum") -> str:
    return str((await client.host("POST", "/api/walls", {"title": title}))["code"])


async def typed(client: Client, code: str, **headers: str) -> Answer:
    return await client.ask("GET", "/w?code=" + "".join(f"%{byte:02x}" for byte in code.encode()), headers=headers)


def another(code: str) -> str:
    """A code that is no wall's and looks like none."""
    return "".join("K" if letter in "MNWX" else "M" for letter in code)


async def test_a_typed_code_leads_to_its_wall(client: Client) -> None:
    code = await wall(client)
    for given in (code, code.lower(), f"{code[:3]} {code[3:]}", f"{code[:2]}–{code[2:]} ", f"{client.url}/w/{code}"):
        answer = await typed(client, given)
        assert (answer.status, answer.headers["Location"]) == (303, f"/w/{code}")


async def test_a_code_that_was_misread_leads_to_the_only_wall_that_looks_like_it(client: Client) -> None:
    code = await wall(client)
    while not set(SEEN_AS) & set(code):
        code = await wall(client)
    place = next(n for n, letter in enumerate(code) if letter in SEEN_AS)
    misread = code[:place] + SEEN_AS[code[place]] + code[place + 1 :]
    assert (await typed(client, misread)).headers["Location"] == f"/w/{code}"
    again = await client.ask("GET", f"/w/{misread}?lang=zh")
    assert (again.status, again.headers["Location"]) == (302, f"/w/{code}?lang=zh")


async def test_a_code_typed_with_a_space_leads_on_with_what_was_asked_for_beside_it(client: Client) -> None:
    code = await wall(client)
    answer = await client.ask("GET", f"/w/{code[:3]}%20{code[3:]}/screen?theme=light&embed=1")
    assert (answer.status, answer.headers["Location"]) == (302, f"/w/{code}/screen?theme=light&embed=1")


async def test_what_is_wrong_is_said_beside_the_field(client: Client) -> None:
    code = another(await wall(client))
    for given, status, said in (
        (code, 404, f"There is no wall with the code {code}"),
        ("ABC", 422, "A code has six letters and digits"),
    ):
        answer = await typed(client, given)
        page = answer.body.decode()
        assert answer.status == status and said in page and f'value="{given}"' in page
        assert 'aria-describedby="wrong"' in page and 'aria-invalid="true"' in page
        assert page.index("<input") < page.index('id="wrong"') < page.index("<button")
    assert "没有代码为" in (await client.ask("GET", f"/w?code={code}&lang=zh")).body.decode()


async def test_an_address_with_a_wrong_code_shows_the_field_with_it(client: Client) -> None:
    for path in ("/w/KKKKKK", "/w/kkk%20kkk", "/w/KKK", "/w/KK%20K/screen"):
        answer = await client.ask("GET", path)
        assert answer.status in (404, 422) and 'name="code" value="' in answer.body.decode(), path


async def test_the_field_works_without_script_and_opens_the_right_keyboard(client: Client) -> None:
    page = (await client.ask("GET", "/w")).body.decode()
    assert "<script" not in page and '<form method="get" action="/w">' in page
    field = page[page.index("<input") :].partition(">")[0]
    for attribute in ("autofocus", 'autocapitalize="characters"', 'inputmode="text"', 'enterkeyhint="go"', "required"):
        assert attribute in field
    assert "Set-Cookie" not in (await client.ask("GET", "/w")).headers


async def test_the_sheet_to_print_has_title_code_address_and_qr(client: Client, running: server.Running) -> None:
    code = await wall(client, "Autumn <Forum>")
    running.services.base_url = "https://vote.example"
    page = (await client.ask("GET", f"/w/{code}/poster")).body.decode()
    assert "Autumn &lt;Forum&gt;</h1>" in page and f"{code[:3]} {code[3:]}" in page and ">vote.example/w<" in page
    assert f"<title>https://vote.example/w/{code}</title>" in page
    desk = await client.ask("GET", f"/w/{code}/host", token=ADMIN)
    assert f'href="/w/{code}/poster"' in desk.body.decode()


async def test_a_sheet_that_no_phone_could_follow_has_the_code_and_the_host_is_told(client: Client) -> None:
    code = await wall(client)
    for path in ("poster", "screen"):
        page = (await client.ask("GET", f"/w/{code}/{path}")).body.decode()
        assert f"{code[:3]} {code[3:]}" in page and 'class="qr"' not in page and "public-url" not in page
    host = (await client.ask("GET", f"/w/{code}/host", token=ADMIN)).body.decode()
    assert "Phones cannot reach http://127.0.0.1:" in host and "--public-url" in host


async def test_a_form_from_a_browser_without_cookies_is_told_why_and_what_to_do(client: Client) -> None:
    code = await wall(client)
    poll = (await client.poll(wall=code))["id"]
    await client.host("PUT", f"/api/walls/{code}", {"active": f"polls/{poll}"})
    assert '<aside id="cookies" hidden>' in (await client.ask("GET", f"/w/{code}")).body.decode()
    form = f"choices=2&round=1&next=/w/{code}".encode()
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {}):  # an old browser says nothing of where it comes from
        answer = await client.ask("POST", f"/polls/{poll}/ballot", raw=form, headers=headers)
        page = answer.body.decode()
        assert answer.status == 403 and '<aside id="cookies">' in page
        assert "You cannot vote in this browser." in page and "This browser stores no cookies" in page
        assert f'target="_blank" rel="noopener" href="{client.url}/w/{code}"' in page
        assert 'value="2" checked' in page  # what was chosen is not lost
    assert (await client.host("GET", f"/api/polls/{poll}"))["tally"]["ballots"] == 0


class TestGuessing:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, rate_limits=True)

    async def test_wrong_codes_of_a_browser_are_limited_and_a_right_one_never_is(
        self, client: Client, running: server.Running
    ) -> None:
        code, now = await wall(client), 1000.0
        running.services.monotonic = lambda: now
        first = await typed(client, another(code))
        cookie = first.headers["Set-Cookie"].partition(";")[0]
        statuses = [(await typed(client, another(code), Cookie=cookie)).status for _ in range(11)]
        assert statuses == [404] * 9 + [429] * 2
        refused = await typed(client, another(code), Cookie=cookie)
        assert int(refused.headers["Retry-After"]) == 5 and "Wait 5 seconds" in refused.body.decode()
        assert (await typed(client, code, Cookie=cookie)).status == 303
        assert (await client.ask("GET", f"/w/{code}", headers={"Cookie": cookie})).status == 200
        now += 5
        assert (await typed(client, another(code), Cookie=cookie)).status == 404

    async def test_many_wrong_codes_of_an_address_are_answered_late_and_a_right_one_at_once(
        self, client: Client, running: server.Running
    ) -> None:
        code = await wall(client)
        running.services.monotonic = lambda: 1000.0  # nothing is forgiven meanwhile
        wrong = [asyncio.ensure_future(typed(client, another(code))) for _ in range(60)]
        while sum(answer.done() for answer in wrong) < 50:
            await asyncio.wait([a for a in wrong if not a.done()], return_when=asyncio.FIRST_COMPLETED)
        assert (await typed(client, code)).status == 303
        assert not all(answer.done() for answer in wrong)
        assert {answer.status for answer in await asyncio.gather(*wrong)} == {404}
