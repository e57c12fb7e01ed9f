"""Polls that ask for a code, on a phone; the sheet of codes; where a receipt is checked."""

from __future__ import annotations

from browsing import Hall, reads
from playwright.async_api import Route, expect


async def test_a_code_is_typed_once_and_what_was_marked_stays_when_it_was_wrong(hall: Hall) -> None:
    wall = await hall.wall()
    first = await hall.poll(wall=wall, assurance="code")
    second = await hall.poll(wall=wall, assurance="code")
    [code] = (await hall.ask("POST", f"/api/walls/{wall}/codes", {"count": 1}))["codes"]
    await hall.show(wall, f"polls/{first}")
    phone = await hall.phone(f"/w/{wall}")
    await phone.click(".choice >> nth=1")
    await phone.click(".cast")
    await reads(phone, ".poll .over", "Type your code first: it is on the paper you were given.")
    await phone.fill("input[name=code]", "AAAA-AAAA-AAAA")
    await phone.click(".cast")
    await reads(phone, "#receipt b", "This code is not valid. Compare it with the paper you were given.")
    assert await phone.get_attribute(".choice >> nth=1", "aria-pressed") == "true"
    await phone.fill("input[name=code]", code.lower())
    await phone.click(".cast")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    assert await phone.query_selector("input[name=code]") is None
    await phone.click(".choice >> nth=0")  # from now on a tap is enough
    await phone.wait_for_selector(".choice.on:not(.sent) >> nth=0")
    await hall.show(wall, f"polls/{second}")
    await phone.wait_for_selector("#receipt[data-phase=safe]", state="hidden")
    assert await phone.query_selector("input[name=code]") is None
    await phone.click(".choice >> nth=2")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    for poll, counts in ((first, {"1": 1, "2": 0, "3": 0}), (second, {"1": 0, "2": 0, "3": 1})):
        assert (await hall.ask("GET", f"/api/polls/{poll}"))["tally"]["counts"] == counts


async def test_a_scanned_code_stands_in_the_field_and_another_browser_is_refused_it(hall: Hall) -> None:
    wall = await hall.wall()
    poll = await hall.poll(wall=wall, assurance="code")
    [code] = (await hall.ask("POST", f"/api/walls/{wall}/codes", {"count": 1}))["codes"]
    await hall.show(wall, f"polls/{poll}")
    one, two = [await hall.phone(f"/w/{wall}?code={code}") for _ in range(2)]
    for phone in (one, two):
        assert await phone.input_value("input[name=code]") == code
        await phone.click(".choice >> nth=0")
        await phone.click(".cast")
        await phone.wait_for_selector("#receipt[data-phase=safe], #receipt[data-phase=refused]")
    await reads(one, "#receipt b", "Your ballot is in.")
    await reads(two, "#receipt b", "This code was used in another browser.")
    assert (await hall.ask("GET", f"/api/polls/{poll}"))["tally"]["ballots"] == 1


async def test_without_script_the_form_asks_for_the_code(hall: Hall) -> None:
    wall = await hall.wall()
    poll = await hall.poll(wall=wall, assurance="code")
    [code] = (await hall.ask("POST", f"/api/walls/{wall}/codes", {"count": 1}))["codes"]
    phone = await hall.page(f"/polls/{poll}?code={code}", java_script_enabled=False)
    await phone.check("input[name=choices][value='2']")
    await phone.click(".cast")
    await reads(phone, "#receipt b", "Your ballot is in.")
    receipt = await phone.inner_text("#receipt code")
    await phone.click("#check summary")
    await phone.fill("input[name=receipt]", receipt.lower())
    await phone.click("#check button")
    await reads(phone, "#check [role=status]", "Counted in round 1: The old one")


async def test_the_script_for_old_browsers_sends_the_code(hall: Hall) -> None:
    wall = await hall.wall()
    poll = await hall.poll(wall=wall, assurance="code")
    [code] = (await hall.ask("POST", f"/api/walls/{wall}/codes", {"count": 1}))["codes"]

    async def of_its_time(route: Route) -> None:
        """The page as a browser without modules takes it."""
        answer = await route.fetch()
        text = (await answer.text()).replace('type="module"', 'type="text/later"').replace(" nomodule", "")
        await route.fulfill(response=answer, body=text)

    phone = await hall.page()
    await phone.route(f"**/polls/{poll}*", lambda route: of_its_time(route))
    await phone.goto(f"{hall.url}/polls/{poll}?code={code}")
    await phone.wait_for_selector("#corner[data-state=live]")
    await phone.check("input[name=choices][value='1']")
    await phone.click(".cast")
    await reads(phone, "#receipt b", "Your ballot is in.")
    assert (await hall.ask("GET", f"/api/polls/{poll}"))["tally"]["counts"]["1"] == 1


async def test_a_host_makes_a_sheet_and_its_qr_codes_lead_to_the_wall(hall: Hall) -> None:
    wall = await hall.wall("Annual meeting")
    await hall.poll(wall=wall, assurance="code")
    host = await hall.host()
    await host.goto(f"{hall.url}/w/{wall}/codes")
    await reads(host, "main p[role=status]", "There are no codes yet.")
    await host.fill("input[name=count]", "8")
    await host.click("text=Create codes")
    await expect(host.locator(".codes svg")).to_have_count(8)
    await reads(host, ".codes small >> nth=7", "No. 8")
    await host.emulate_media(media="print")
    assert not await host.is_visible("header")
    await host.click(".codes code >> nth=0", trial=True)
