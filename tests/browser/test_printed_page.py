"""Twenty options fit one printed page."""

from __future__ import annotations

import re

from browsing import Hall


async def test_a_poll_with_twenty_long_options_is_printed_on_one_page(hall: Hall) -> None:
    words = ("An option that somebody wrote " * 7, "周会时间定在什么时候" * 9)
    options = [f"{words[n % 2][:195]} {n}" for n in range(20)]
    poll = await hall.poll(options=options, title="Which of these, " * 12, quorum=1, majority="2/3")
    await hall.vote(poll, "3")
    await hall.ask("POST", f"/api/polls/{poll}/close")
    page = await hall.page(f"/polls/{poll}/print", size=(900, 1200))
    await page.wait_for_selector("#acts button")
    for paper in ("A4", "Letter"):
        pdf = await page.pdf(format=paper)
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
