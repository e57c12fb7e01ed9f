"""What joining costs the server, how long a hall waits, and what a phone fetches on a bad network.

The server's CPU is taken from step to step: some phones read the page, then all of them its files, and so on. In the
same run as many bare `GET`s, each with a connection of its own and the same header, go to a bare Tornado.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from . import visits
from .phones import STEPS, Phones
from .plan import Plan, table
from .spread import Spread, ratios, verdict
from .target import Livewall, Peer

AIM = 6.0
NAMES = {
    "read_page": "the page, with the connection",
    "read_parts": "its files, over the same connection",
    "follow": "the socket, with the snapshots",
    "vote": "the ballot",
}
TIMES = {
    "usable": "until the page is usable",
    "voted": "until its ballot is answered",
    "late": "of these, the client's own delay",
}


def hall_of(server: Livewall) -> str:
    """A wall that shows an open poll; returns the path of its page."""
    wall = server.call("POST", "/api/walls", {"title": "Autumn Forum"})["code"]
    fields = {"title": "Which release do we ship?", "options": ["The new one", "The old one", "None"], "wall": wall}
    poll = server.call("POST", "/api/polls", fields)["id"]
    server.call("POST", f"/api/polls/{poll}/open", {})
    server.call("PUT", f"/api/walls/{wall}", {"active": f"polls/{poll}"})
    return f"/w/{wall}"


def cost(plan: Plan) -> str:
    """The server's CPU for a phone, step by step, beside a bare GET."""
    count = plan.size(200, 40)
    bare: list[float] = []
    spent: dict[str, list[float]] = {step: [] for step in STEPS}
    with ExitStack() as stack:
        server, peer = stack.enter_context(Livewall()), stack.enter_context(Peer("get"))
        path = hall_of(server)
        phones = stack.enter_context(Phones(server.port, path))
        asked = stack.enter_context(Phones(peer.port, path))
        for turn in range(plan.pairs + 1):  # the first warms up
            before = peer.cpu()
            asked.ask(f"bare {count}")
            if turn:
                bare.append((peer.cpu() - before) / count / 1000)
            phones.ask(f"come {count}")
            for step in STEPS:
                before = server.cpu()
                phones.ask(step)
                if turn:
                    spent[step].append((server.cpu() - before) / count / 1000)
            phones.ask("go")
    whole = [sum(each) for each in zip(*spent.values(), strict=True)]
    rows = [["a bare Tornado `GET`", Spread.of(bare).text(0), "1"]]
    for step, name in NAMES.items():
        rows.append([name, Spread.of(spent[step]).text(0), ratios(spent[step], bare).text()])
    ratio = ratios(whole, bare)
    rows.append(["one phone", Spread.of(whole).text(0), f"**{ratio.text(1)}** ({verdict(ratio.median, AIM)})"])
    return table(["what", "µs of the server's CPU", "ratio to the bare `GET`"], rows)


def hall(plan: Plan) -> str:
    """How long a thousand phones that come within ten seconds wait."""
    count, seconds = plan.size(1000, 50), plan.seconds(10, 1)
    runs: list[dict[str, Any]] = []
    used: list[float] = []
    for _ in range(plan.size(3, 1)):
        with Livewall() as server, Phones(server.port, hall_of(server)) as phones:
            before = server.cpu()
            runs.append(phones.ask(f"hall {count} {seconds}"))
            used.append((server.cpu() - before) / count / 1e6)
    rows = []
    for key, name in TIMES.items():
        each = [sorted(run[key]) for run in runs]
        places = (0.5, 0.95, 1.0)
        found = [Spread.of([times[min(count - 1, int(count * p))] for times in each]).text(1) for p in places]
        rows.append([name, *found])
    said = f"{count:,} phones in {seconds:g} s"
    client = Spread.of([run["client_ms"] for run in runs])
    costs = f"CPU of the server {Spread.of(used).text(2)} ms a phone, of the client {client.text(2)} ms a phone"
    return table([said, "p50, ms", "p95, ms", "longest, ms"], rows) + f"\n\n{costs}; {len(runs)} runs."


def run(plan: Plan) -> str:
    return f"{cost(plan)}\n\n{hall(plan)}\n\n{visits.run(plan)}"
