"""What pictures.py takes pictures of: each state makes what it needs, in one language, and says which pages show it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from browsing import Hall
from playwright.async_api import Page
from tornado.httpclient import HTTPRequest


async def nothing(page: Page) -> None:
    pass


@dataclass
class Shots:
    """Addresses by the width of the window; `before` is done to the page first."""

    paths: dict[int, str]
    signed_in: bool = False
    whole: bool = False
    """The page in full length, not as much of it as a window shows."""
    before: Callable[[Page], Awaitable[Any]] = nothing


def everywhere(path: str, **more: Any) -> Shots:
    return Shots({360: path, 768: path, 1920: path}, **more)


def people(path: str, **more: Any) -> Shots:
    """What a voter has in hand, and what the projector shows."""
    return Shots({360: path, 768: path, 1920: f"{path}/screen"}, **more)


WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "wall": "Autumn Forum",
        "title": "Which venue for the summer school?",
        "options": ["The old library", "The boat house", "At home, online", "No opinion"],
        "long": "The members' meeting has heard the report of the board on the year that has passed, on the sale of "
        "the house in the harbour street, on the new roof and on what both have cost; it has also heard the auditors. "
        "Shall the board be discharged, and shall the surplus go into the fund for the next roof?",
        "many": "Which session shall be repeated tomorrow?",
        "session": "Session",
        "release": "Release 4.2",
    },
    "zh": {
        "wall": "秋季论坛",
        "title": "暑期学校在哪里举办？",
        "options": ["老图书馆", "船屋", "在家，线上", "没有意见"],
        "long": "会员大会听取了理事会关于过去一年工作、港口街房屋出售、新屋顶以及两者费用的报告，也听取了审计员的意见。"
        * 4
        + "是否同意解除理事会的责任，并将盈余用于下一次修缮屋顶的基金？",
        "many": "明天重讲哪一场？",
        "session": "第",
        "release": "4.2 版发布",
    },
}


async def asked(hall: Hall, lang: str, votes: str = "111122334", **fields: Any) -> str:
    """An open poll on a wall that shows it, with votes; `active` in the fields is kept back for `on_wall`."""
    words = WORDS[lang]
    wall = await hall.wall(words["wall"])
    given = {"title": words["title"], "options": words["options"], "wall": wall, **fields}
    poll = await hall.poll(**given)
    await hall.show(wall, f"polls/{poll}")
    for choice in votes:
        await hall.vote(poll, choice)
    return poll


async def wall_of(hall: Hall, poll: str) -> str:
    return str((await hall.ask("GET", f"/api/polls/{poll}"))["wall"])


async def empty_wall(hall: Hall, lang: str) -> Shots:
    return people(f"/w/{await hall.wall(WORDS[lang]['wall'])}")


async def empty_host(hall: Hall, lang: str) -> Shots:
    return everywhere(f"/w/{await hall.wall(WORDS[lang]['wall'])}/host", signed_in=True)


async def long_question(hall: Hall, lang: str) -> Shots:
    return people(f"/polls/{await asked(hall, lang, title=WORDS[lang]['long'][:300])}")


async def twenty_options(hall: Hall, lang: str) -> Shots:
    words = WORDS[lang]
    labels = [f"{words['session']} {n}" + (" 场" if lang == "zh" else "") for n in range(1, 21)]
    poll = await asked(hall, lang, "", title=words["many"], options=labels)
    for n in (1, 1, 1, 2, 4, 4, 7, 12, 12, 20):
        await hall.vote(poll, str(n))
    return people(f"/polls/{poll}", whole=True)


async def all_for_one(hall: Hall, lang: str) -> Shots:
    return people(f"/polls/{await asked(hall, lang, '2222')}")


async def no_ballots(hall: Hall, lang: str) -> Shots:
    return people(f"/polls/{await asked(hall, lang, '')}")


async def right_to_left(hall: Hall, lang: str) -> Shots:
    options = ["نعم", "لا", "أحتاج إلى مزيد من الوقت 24/7", "Yes, in English", "שאלה אחרת"]
    return people(f"/polls/{await asked(hall, lang, title='هل نوافق على التقرير السنوي (2026)؟', options=options)}")


async def hidden(hall: Hall, lang: str) -> Shots:
    return people(f"/polls/{await asked(hall, lang, results='on_publish')}")


async def closed(hall: Hall, lang: str) -> Shots:
    poll = await asked(hall, lang)
    await hall.ask("POST", f"/api/polls/{poll}/close")
    return people(f"/polls/{poll}")


async def ballot_is_in(hall: Hall, lang: str) -> Shots:
    async def vote(page: Page) -> None:
        if await page.query_selector(".choice"):
            await page.click(".choice >> nth=1")
            await page.wait_for_selector("#receipt[data-phase=safe]")

    return people(f"/polls/{await asked(hall, lang)}", before=vote)


async def two_rounds(hall: Hall, lang: str) -> Shots:
    words = WORDS[lang]
    options = [*words["options"][:3], {"label": words["options"][3], "abstain": True}]
    poll = await asked(hall, lang, "1111222334", options=options, majority="2/3", quorum=8, compare=True)
    await hall.ask("POST", f"/api/polls/{poll}/close")
    await hall.ask("POST", f"/api/polls/{poll}/reset", {"round": 1})
    await hall.ask("POST", f"/api/polls/{poll}/open")
    for choice in "1111111224":
        await hall.vote(poll, choice)
    await hall.ask("POST", f"/api/polls/{poll}/close")
    return people(f"/polls/{poll}", whole=True)


async def end(hall: Hall, lang: str) -> Shots:
    """A wall that is over: all results."""
    words = WORDS[lang]
    poll = await asked(hall, lang)
    wall = await wall_of(hall, poll)
    other = await hall.poll(wall=wall, title=words["many"], options=words["options"][:2])
    for choice in "1122211":
        await hall.vote(other, choice)
    for each in (poll, other):
        await hall.ask("POST", f"/api/polls/{each}/close")
    await hall.ask("PUT", f"/api/walls/{wall}", {"active": None})
    return Shots({360: f"/w/{wall}", 768: f"/w/{wall}", 1920: f"/w/{wall}/screen?end=1"})


async def host(hall: Hall, lang: str) -> Shots:
    words = WORDS[lang]
    poll = await asked(hall, lang, closes_in=900)
    wall = await wall_of(hall, poll)
    await hall.poll(wall=wall, open=False, title=words["long"][:300], options=words["options"])
    await hall.poll(wall=wall, open=False, title=words["many"], options=words["options"])
    return everywhere(f"/w/{wall}/host", signed_in=True)


async def keyboard(hall: Hall, lang: str) -> Shots:
    """No pointer: where the focus stands can be seen."""

    async def tab(page: Page) -> None:
        for _ in range(3):
            await page.keyboard.press("Tab")

    poll = await asked(hall, lang)
    return everywhere(f"/polls/{poll}", before=tab)


async def enlarged(hall: Hall, lang: str) -> Shots:
    """200 %: windows half as wide."""

    async def narrow(page: Page) -> None:
        size = page.viewport_size
        assert size is not None
        await page.set_viewport_size({"width": size["width"] // 2, "height": size["height"] // 2})

    return everywhere(f"/polls/{await asked(hall, lang)}", before=narrow)


async def print_out(hall: Hall, lang: str) -> Shots:
    async def on_paper(page: Page) -> None:
        size = page.viewport_size
        if size is not None and size["width"] > 360:  # there is no paper as narrow as a phone
            await page.emulate_media(media="print")

    poll = await asked(hall, lang)
    await hall.ask("POST", f"/api/polls/{poll}/close")
    return everywhere(f"/polls/{poll}/print", before=on_paper)


async def replay(hall: Hall, lang: str) -> Shots:
    return everywhere(f"/polls/{await asked(hall, lang, '112123112311')}/replay")


async def join(hall: Hall, lang: str) -> Shots:
    return everywhere("/w?code=ABCDEF")


async def task_of(hall: Hall, lang: str, steps: list[dict[str, Any]], states: dict[str, dict[str, Any]]) -> str:
    body = {"title": WORDS[lang]["release"], "steps": steps}
    task = (await hall.ask("POST", "/api/tasks", body))["id"]
    for name, report in states.items():
        await hall.ask("PUT", f"/api/tasks/{task}/steps/{name}", report)
    log = f"{hall.url}/api/tasks/{task}/logs/{steps[0]['name']}"
    headers = {"Authorization": "Bearer the-admin-token-of-these-tests"}
    await hall.http.fetch(HTTPRequest(log, "POST", headers, b"cloning\n\x1b[32mdone\x1b[0m in 2.1 s\n"))
    return str(task)


async def long_step_name(hall: Hall, lang: str) -> Shots:
    name = "restart-the-service-on-each-host-of-the-first-wave-and-wait-until-it-says-it-is-up"[:80]
    steps: list[dict[str, Any]] = [{"name": "fetch"}, {"name": name, "needs": ["fetch"]}]
    steps.append({"name": "check", "needs": [name]})
    done, running = {"state": "succeeded"}, {"state": "running", "progress": 0.4}
    task = await task_of(hall, lang, steps, {"fetch": done, name: running})
    return everywhere(f"/tasks/{task}", signed_in=True)


async def five_hundred_steps(hall: Hall, lang: str) -> Shots:
    steps: list[dict[str, Any]] = [{"name": "fetch"}]
    steps += [{"name": f"host-{n:03}", "needs": ["fetch"]} for n in range(1, 499)]
    steps.append({"name": "check", "needs": [step["name"] for step in steps[1:]]})
    states = {"fetch": {"state": "succeeded"}, "host-001": {"state": "succeeded"}, "host-217": {"state": "failed"}}
    return everywhere(f"/tasks/{await task_of(hall, lang, steps, states)}", signed_in=True)


STATES: dict[str, Callable[[Hall, str], Awaitable[Shots]]] = {
    "nothing-open": empty_wall,
    "no-polls-yet": empty_host,
    "question-of-300": long_question,
    "options-20": twenty_options,
    "one-at-100": all_for_one,
    "no-ballots": no_ballots,
    "right-to-left": right_to_left,
    "step-name-of-80": long_step_name,
    "steps-500": five_hundred_steps,
    "zoom-200": enlarged,
    "no-pointer": keyboard,
    "print": print_out,
    "hidden": hidden,
    "ballot-is-in": ballot_is_in,
    "closed": closed,
    "two-rounds": two_rounds,
    "end": end,
    "host": host,
    "replay": replay,
    "join": join,
}
"""By the name of the picture. All are taken without motion."""
