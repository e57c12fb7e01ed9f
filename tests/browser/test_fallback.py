"""What stands between page and server gets in the way; the page goes round it, and back again."""

from __future__ import annotations

from browsing import Hall, becomes, reads
from playwright.async_api import expect


async def move(hall: Hall, box_url: str, transport: str, seconds: float) -> tuple[str, object]:
    """A phone and a projector behind the proxy; a vote on one moves the other over `transport`."""
    poll = await hall.poll()
    screen = await hall.page(f"/polls/{poll}/screen", base=box_url, size=(1920, 1080))
    phone = await hall.page(f"/polls/{poll}", base=box_url)
    for page in (screen, phone):
        await page.wait_for_selector(f"#corner[data-state=live][data-transport={transport}]", timeout=seconds * 1000)
    await phone.click(".choice >> nth=1")
    await phone.wait_for_selector("#receipt[data-phase=safe]")
    await reads(screen, ".figures b >> nth=1", "100%")
    return poll, screen


async def test_a_refused_upgrade_leads_to_server_sent_events(hall: Hall) -> None:
    box = await hall.box()
    box.refuse_upgrade = True
    await move(hall, box.url, "sse", 20)


async def test_events_held_back_lead_to_long_polling(hall: Hall) -> None:
    box = await hall.box()
    box.refuse_upgrade = box.hold_events = True
    await move(hall, box.url, "longpoll", 30)


async def test_answers_cut_after_five_seconds_lead_to_plain_polling(hall: Hall) -> None:
    box = await hall.box()
    box.refuse_upgrade = box.hold_events = True
    box.cut_after = 5.0
    await move(hall, box.url, "poll", 60)


async def test_it_climbs_back_when_the_way_is_free(hall: Hall) -> None:
    box = await hall.box()
    box.refuse_upgrade = box.hold_events = True
    poll, screen = await move(hall, box.url, "longpoll", 30)
    box.refuse_upgrade = False
    await screen.evaluate("window.dispatchEvent(new Event('online'))")  # type: ignore[attr-defined]
    await screen.wait_for_selector("#corner[data-state=live][data-transport=websocket]")  # type: ignore[attr-defined]
    await hall.vote(poll, "1", 1)
    await reads(screen, ".figures b >> nth=0", "50%")  # type: ignore[arg-type]


async def test_a_restart_is_told_in_words_and_the_last_state_stays(hall: Hall) -> None:
    poll = await hall.poll()
    await hall.vote(poll, "1", 3)
    screen = await hall.projector(f"/polls/{poll}/screen")
    phone = await hall.phone(f"/polls/{poll}")
    await hall.stop_server()
    await screen.wait_for_selector("#corner[data-state=lost]")
    assert (await screen.inner_text("#corner")).startswith("no connection for 0:")
    assert await screen.inner_text(".figures b >> nth=0") == "100%"
    # A tap while nobody is there: pressed, and sent by itself when somebody is.
    await phone.click(".choice >> nth=1")
    await phone.wait_for_selector("#receipt[data-phase=retrying]")
    await hall.start_server()
    await phone.wait_for_selector("#receipt[data-phase=safe]", timeout=40_000)
    await screen.wait_for_selector("#corner[data-state=live]", timeout=40_000)
    await reads(screen, ".figures b >> nth=0", "75%")


async def test_a_connection_cut_for_a_moment_loses_nothing(hall: Hall) -> None:
    box = await hall.box()
    poll = await hall.poll()
    screen = await hall.projector(f"/polls/{poll}/screen", base=box.url)
    await box.cut()
    await hall.vote(poll, "1", 2)
    await reads(screen, "#turnout b", "2")
    asked = [path for path in box.requests if path.startswith("/ws/")]
    assert len(asked) == 2 and "since=" in asked[1], asked


async def test_a_browser_without_modules_votes_and_watches_with_the_old_script(hall: Hall) -> None:
    box = await hall.box()
    box.without_modules = True
    poll = await hall.poll()
    screen, phone = await hall.page(size=(1920, 1080)), await hall.page()
    for page, path in ((screen, "/screen"), (phone, "")):
        await page.clock.install()
        await page.goto(f"{box.url}/polls/{poll}{path}")
        await page.wait_for_selector("#corner[data-state=live]")
        assert await page.get_attribute("#corner", "data-transport") is None
    await phone.check("[name=choices][value='2']")
    await phone.click(".cast")
    await phone.wait_for_selector("#receipt code")
    await screen.clock.fast_forward(10_000)
    await reads(screen, ".figures b >> nth=1", "100%")
    await hall.vote(poll, "1", 3)
    for page in (screen, phone):
        await page.clock.fast_forward(10_000)
    await reads(screen, "#turnout b", "4")
    await reads(phone, ".percent >> nth=0", "75%")
    await hall.ask("POST", f"/api/polls/{poll}/close")
    await screen.clock.fast_forward(10_000)
    await screen.wait_for_selector(".row.first")


async def test_the_old_script_too_refuses_one_choice_too_many(hall: Hall) -> None:
    poll = await hall.poll(kind="multi", max_choices=2)
    box = await hall.box()
    box.without_modules = True
    phone = await hall.page(f"/polls/{poll}", base=box.url)
    await phone.wait_for_selector("#corner[data-state=live]")
    for each in range(3):
        await phone.click(f"label.choice >> nth={each}")
    marked = "[...document.querySelectorAll('input[name=choices]')].map((each) => each.checked)"
    await becomes(lambda: phone.evaluate(marked), [True, True, False])
    await reads(phone, "#receipt", "You can choose at most 2 options. Deselect one first.")
    await reads(phone, "#announcer", "You can choose at most 2 options. Deselect one first.")


async def test_the_old_script_sends_a_ballot_again_until_it_arrives(hall: Hall) -> None:
    box = await hall.box()
    box.without_modules = True
    poll = await hall.poll()
    phone = await hall.page(f"/polls/{poll}", base=box.url)
    await phone.wait_for_selector("#corner[data-state=live]")
    await phone.check("[name=choices][value='2']")
    box.away = True
    await box.cut()

    async def tried() -> bool:
        return any(path.endswith("/ballot") for path in box.requests)

    await phone.click(".cast")
    await becomes(tried, True)
    box.away = False
    await phone.wait_for_selector("#receipt code")
    assert (await hall.ask("GET", f"/api/polls/{poll}"))["tally"]["counts"]["2"] == 1


async def test_without_javascript_a_ballot_is_a_form_and_the_result_renews_itself(hall: Hall) -> None:
    wall = await hall.wall()
    poll = await hall.poll(wall=wall)
    await hall.show(wall, f"polls/{poll}")
    phone = await hall.page(f"/w/{wall}", java_script_enabled=False)
    await phone.check("[name=choices][value='2']")
    await phone.click("button.cast")
    await phone.wait_for_url(f"**/w/{wall}")
    assert "Your ballot is in." in await phone.inner_text("#receipt")
    assert await phone.inner_text(".percent >> nth=1") == "100%"
    await hall.vote(poll, "1", 1)
    await reads(phone, ".percent >> nth=1", "50%")  # by itself
    await phone.click("text=Change ballot")
    await phone.check("[name=choices][value='1']")
    await phone.click("button.cast")
    await reads(phone, ".percent >> nth=0", "100%")
    screen = await hall.page(f"/w/{wall}/screen", size=(1920, 1080), java_script_enabled=False)
    assert await screen.inner_text(".figures b >> nth=0") == "100%"


async def test_without_javascript_a_refused_ballot_says_why(hall: Hall) -> None:
    poll = await hall.poll()
    phone = await hall.page(f"/polls/{poll}", java_script_enabled=False)
    await phone.check("[name=choices][value='2']")
    await hall.ask("POST", f"/api/polls/{poll}/close")
    await phone.click("button.cast")
    await expect(phone.locator("#receipt")).to_contain_text("It was not counted.")


async def test_a_poll_that_was_archived_is_said_to_be_gone(hall: Hall) -> None:
    wall = await hall.wall()
    poll = await hall.poll(wall=wall)
    await hall.show(wall, f"polls/{poll}")
    alone = await hall.phone(f"/polls/{poll}")
    on_wall = await hall.phone(f"/w/{wall}")
    await hall.ask("DELETE", f"/api/polls/{poll}")
    await reads(alone, "h1", "There is nothing here")
    await on_wall.wait_for_selector(".lobby")


async def test_a_sign_in_that_ended_leaves_what_everybody_may_see(hall: Hall) -> None:
    poll = await hall.poll(results="after_close")
    await hall.vote(poll, "1", 2)
    host = await hall.host()
    await host.goto(f"{hall.url}/polls/{poll}")
    await reads(host, ".percent >> nth=0", "100%")
    await host.wait_for_selector("#corner[data-state=live]")
    for made in (await hall.ask("GET", "/api/tokens"))["items"]:
        await hall.ask("DELETE", f"/api/tokens/{made['id']}")
    await host.wait_for_selector("#corner[data-state=live]")
    await reads(host, ".note", "The result is shown when voting closes.")
    assert not await host.is_visible(".percent >> nth=0")
