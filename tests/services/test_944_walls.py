"""The 944 who answered in 1996 at a wall of three items: their vote, their party, and the vote once more by those who
watch the news on more than three days a week. What is compared on the screen is what the file says."""

from __future__ import annotations

import csv
import random
from collections import Counter
from typing import Any
from xml.etree import ElementTree

from child_server import Server
from crowd import Crowd, readers

from livewall.resources import folder

pytest_plugins = ("server_fixtures",)
SVG = "{http://www.w3.org/2000/svg}"
PARTIES = [
    "Strong Democrat",
    "Weak Democrat",
    "Independent, rather Democrat",
    "Independent",
    "Independent, rather Republican",
    "Weak Republican",
    "Strong Republican",
]


def answers() -> list[dict[str, int]]:
    with (folder("data") / "anes96.csv").open(newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quotechar="'")
        return [{name: int(row[name]) for name in ("vote", "PID", "TVnews")} for row in rows]


def tally(choices: list[int], options: int, round: int = 1) -> dict[str, Any]:
    counted = Counter(choices)
    return {"round": round, "counts": {str(n + 1): counted[n] for n in range(options)}, "ballots": len(choices)}


async def test_a_vote_its_parties_and_the_vote_again_are_as_in_the_file(child: Server, chance: random.Random) -> None:
    people = answers()
    watching = [person for person in people if person["TVnews"] > 3]
    votes, parties, again = (
        tally([person["vote"] for person in people], 2),
        tally([person["PID"] for person in people], 7),
        tally([person["vote"] for person in watching], 2, round=2),
    )
    assert (votes["counts"], again["counts"]) == ({"1": 551, "2": 393}, {"1": 274, "2": 196})
    assert list(parties["counts"].values()) == [200, 180, 108, 37, 94, 150, 175]
    wall = child.host("POST", "/api/walls", {"title": "1996"})["code"]
    vote = child.host(
        "POST", "/api/polls", {"title": "Who?", "options": ["Clinton", "Dole"], "wall": wall, "compare": True}
    )["id"]
    party = child.host("POST", "/api/polls", {"title": "Which party?", "options": PARTIES, "wall": wall})["id"]
    own = f"/api/polls/{vote}"

    def show(poll: str) -> None:
        child.host("POST", f"/api/polls/{poll}/open")
        child.host("PUT", f"/api/walls/{wall}", {"active": f"polls/{poll}"})

    async with readers(child.url, f"walls/{wall}", judge=False) as halls, readers(child.url, own[5:]) as watchers:
        show(vote)
        first = Crowd(child.url, vote, chance, [person["vote"] for person in people])
        await first.cast()
        for watcher in watchers:
            await watcher.until(lambda c: c.state["tally"] == votes)
        child.host("POST", f"{own}/close")
        show(party)
        second = Crowd(child.url, party, chance, [person["PID"] for person in people])
        second.are(first.voters)
        await second.cast()
        assert child.host("POST", f"/api/polls/{party}/close")["phase"] == "closed"
        child.host("POST", f"{own}/reset", {"round": 1})
        show(vote)
        third = Crowd(child.url, vote, chance, [person["vote"] for person in watching], round=2)
        third.are(voter for voter, person in zip(first.voters, people, strict=True) if person["TVnews"] > 3)
        await third.cast()
        child.host("POST", f"{own}/close")
        for watcher in watchers:
            await watcher.until(lambda c: c.state["tally"] == again and c.state["poll"]["phase"] == "closed")
        for hall in halls:
            await hall.until(lambda c: c.state["wall"]["active"] == f"polls/{vote}")

    assert child.ask("GET", f"{own}/rounds", token="") == (200, {"items": [votes, again]})
    assert child.ask("GET", f"/api/polls/{party}/rounds", token="")[1] == {"items": [parties]}
    assert child.recounted(vote) == again and child.recounted(party) == parties
    assert len(first.receipts() | second.receipts() | third.receipts()) == 944 + 944 + 470
    drawn = ElementTree.fromstring(child.host_bytes(f"{own}/results.svg"))
    for option, choice in zip(drawn.findall(f"{SVG}g"), ("1", "2"), strict=True):
        widths = {each.get("class"): float(each.get("width") or 0) for each in option.findall(f"{SVG}rect")}
        for name, found in (("before", votes), ("bar", again)):
            share = found["counts"][choice] / found["ballots"]
            assert abs(widths[name] / widths["track"] - share) < 0.001, (choice, name, widths)
    said = " ".join(drawn.itertext())
    assert all(str(n) in said for n in (551, 393, 274, 196, 944, 470))
    for page in ("", "/screen"):
        shown = child.host_bytes(f"{own[4:]}{page}").decode()
        assert all(words in shown for words in ("was 58%", "was 42%", "previous: round 1, 944 ballots")), page
