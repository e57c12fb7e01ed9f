"""A page whose network or machine was away for minutes: the last picture stays, dimmed and with its age, and it is
right again by itself."""

from __future__ import annotations

from conftest import Hall, becomes, reads


async def test_a_screen_whose_network_is_gone_for_a_minute_keeps_its_picture_and_mends_itself(hall: Hall) -> None:
    box, wall = await hall.box(), await hall.wall()
    poll = await hall.poll(wall=wall)
    next_one = await hall.poll(wall=wall, results="on_publish", title="And then?")
    await hall.show(wall, f"polls/{poll}")
    await hall.vote(poll, "1", 3)
    screen = await hall.page(size=(1920, 1080))
    await screen.clock.install()
    await screen.goto(f"{box.url}/w/{wall}/screen")
    await hall.live(screen)
    await reads(screen, ".figures b >> nth=0", "100%")
    opacity = "getComputedStyle(document.querySelector('main')).opacity"
    with box.silent():
        await hall.vote(poll, "2", 1)
        await hall.show(wall, f"polls/{next_one}")
        await hall.vote(next_one, "3", 2)
        await hall.ask("POST", f"/api/polls/{next_one}/publish")
        await screen.clock.fast_forward(60_000)
        await screen.wait_for_selector("#corner[data-state=lost]")
        assert (await screen.inner_text("#corner")).startswith("no connection for 1:0")
        assert float(await screen.evaluate(opacity)) < 1
        assert await screen.inner_text(".figures b >> nth=0") == "100%"
    await screen.clock.fast_forward(20_000)
    await screen.wait_for_selector("#corner[data-state=live]")
    await reads(screen, "h1", "And then?")
    await reads(screen, ".figures b >> nth=2", "100%")
    await becomes(lambda: screen.evaluate(opacity), "1")
