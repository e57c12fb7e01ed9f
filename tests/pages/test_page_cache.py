"""Pages that are rendered once: what fills their gap, how long they are kept, and who renders."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.pages.page_cache import FIGURES_AGE, MAX_PAGES, PageCache, SharedPage
from livewall.errors import NotFound
from livewall.hub.log import Event

GAP = b"<gap>"
TEXT = st.binary(max_size=300).map(lambda text: text.replace(b"<", b""))


class Site:
    """A cache with a clock that stands still, and what was rendered."""

    def __init__(self) -> None:
        self.now = 0.0
        self.cache = PageCache(lambda: self.now)
        self.rendered = 0
        self.questions = ""
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def render(self) -> SharedPage | None:
        self.rendered += 1
        number = self.rendered
        await self.may_end.wait()
        return SharedPage(str(number).encode(), GAP, questions=self.questions)

    async def get(self, key: str = "page") -> str:
        page = await self.cache.get(key, self.render)
        assert page is not None
        return page.plain(b"").decode()

    def commit(self, stream: str, *keys: str | None) -> None:
        self.cache.changed(stream, [Event(1, key, "{}", 3) for key in keys])


@given(st.lists(TEXT, min_size=1, max_size=5), TEXT)
def test_the_compressed_page_is_the_plain_one(parts: list[bytes], filling: bytes) -> None:
    page = SharedPage(GAP.join(parts), GAP)
    assert page.plain(filling) == filling.join(parts)
    assert gzip.decompress(page.gzipped(filling)) == page.plain(filling)


def test_the_length_of_a_compressed_page_says_nothing_of_what_fills_its_gap() -> None:
    page = SharedPage(b"a secret: " + GAP + b" and secretsecretsecret", GAP)
    assert len(page.gzipped(b"secretsecretsecret")) == len(page.gzipped(b"kqzjxvwypfmbghdltn"))


async def test_a_page_is_kept_until_a_poll_or_a_wall_changes() -> None:
    site = Site()
    assert [await site.get(), await site.get()] == ["1", "1"]
    site.commit("polls/A", "poll")
    assert [await site.get(), await site.get()] == ["2", "2"]
    site.commit("walls/B", "wall")
    assert await site.get() == "3"
    site.commit("polls/A", "tally", "poll")
    assert await site.get() == "4"
    site.commit("polls/A", None)
    assert await site.get() == "5"
    site.now += 1e6
    assert await site.get() == "5"


async def test_a_page_shows_figures_of_a_moment_ago_and_no_older_ones() -> None:
    site = Site()
    await site.get()
    site.commit("polls/A", "tally")
    site.now += FIGURES_AGE * 0.9
    assert await site.get() == "1"
    site.now += FIGURES_AGE * 0.1
    assert await site.get() == "2"
    site.now += 2 * FIGURES_AGE
    assert await site.get() == "2"
    site.commit("polls/A", "turnout")
    assert await site.get() == "3"


async def test_steps_of_tasks_leave_pages_as_they_are() -> None:
    site = Site()
    await site.get()
    site.commit("tasks/A", "step/build")
    site.commit("tasks", "task/A")
    site.commit("rooms/ops", "message/1")
    assert await site.get() == "1"


async def test_votes_for_questions_leave_all_pages_but_those_that_show_questions() -> None:
    site = Site()
    await site.get("a poll")
    for _ in range(20):
        site.commit("questions/A", "question/1")
    assert (await site.get("a poll"), site.rendered) == ("1", 1)
    site.questions = "A"
    assert [await site.get("questions"), await site.get("questions")] == ["2", "2"]
    site.commit("questions/A", "question/1")
    # At once: the question may have been hidden.
    assert [await site.get("questions"), await site.get("a poll")] == ["3", "1"]


async def test_a_page_with_questions_that_was_begun_before_a_change_is_not_kept() -> None:
    site = Site()
    site.questions = "A"
    site.may_end.clear()
    before = asyncio.ensure_future(site.get())
    await asyncio.sleep(0)
    site.commit("questions/A", "question/1")
    after = asyncio.ensure_future(site.get())
    await asyncio.sleep(0)
    site.may_end.set()
    assert [await before, await after, await site.get()] == ["1", "2", "2"]


async def test_who_asks_while_a_page_is_rendered_gets_that_page() -> None:
    site = Site()
    site.may_end.clear()
    asked = [asyncio.ensure_future(site.get()) for _ in range(20)]
    await asyncio.sleep(0)
    site.may_end.set()
    assert await asyncio.gather(*asked) == ["1"] * 20


async def test_a_page_that_was_begun_before_a_change_is_not_sent_to_who_asks_after_it() -> None:
    site = Site()
    site.may_end.clear()
    before = asyncio.ensure_future(site.get())
    await asyncio.sleep(0)
    site.commit("polls/A", "poll")
    after = asyncio.ensure_future(site.get())
    await asyncio.sleep(0)
    site.may_end.set()
    assert [await before, await after, await site.get()] == ["1", "2", "2"]
    site.may_end.clear()
    site.commit("polls/A", "poll")
    alone = asyncio.ensure_future(site.get())
    await asyncio.sleep(0)
    site.commit("polls/A", "poll")
    site.may_end.set()
    assert [await alone, await site.get()] == ["3", "4"]


async def test_what_is_wrong_is_told_to_all_who_ask_and_not_kept() -> None:
    site = Site()

    async def fail() -> SharedPage | None:
        await site.may_end.wait()
        raise NotFound

    site.may_end.clear()
    asked = [asyncio.ensure_future(site.cache.get("page", fail)) for _ in range(3)]
    await asyncio.sleep(0)
    site.may_end.set()
    for each in asked:
        with pytest.raises(NotFound):
            await each
    assert await site.get() == "1"


async def test_a_page_that_is_not_to_be_shared_is_not_kept() -> None:
    async def nothing() -> SharedPage | None:
        return None

    site = Site()
    assert await site.cache.get("page", nothing) is None
    assert len(site.cache) == 0


async def test_only_so_many_pages_are_kept() -> None:
    site = Site()
    await site.get("first")
    for number in range(MAX_PAGES - 1):
        await site.get(str(number))
        await site.get("first")
    assert site.rendered == len(site.cache) == MAX_PAGES
    await site.get("one more")
    assert len(site.cache) == MAX_PAGES
    assert await site.get("first") == "1"
    assert await site.get("0") == str(MAX_PAGES + 2)
