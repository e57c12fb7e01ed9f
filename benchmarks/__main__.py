"""Run the comparisons and print them: python -m benchmarks [NAME…] [--quick] [--write]"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from . import record
from .machine import facts, load_average
from .plan import Plan
from .progress import Progress

NAMES = {
    "fanout": "server CPU per delivery to 1,000 and 9,000 WebSocket readers",
    "ballots": "CPU per durable ballot",
    "rate": "100, 1,000 and 4,000 ballots a second, with 10 and with 1,000 readers",
    "latency": "from a ballot to the last reader's bytes",
    "memory": "memory a reader, after 100,000 ballots, after 10,000 readers came and went",
    "slow": "1,000 readers that never read",
    "join": "server CPU for a phone that joins; 1,000 phones in ten seconds; a page on a bad network",
    "tap": 'from a tap to "your ballot is in" and to the projector, with 200 other voters',
    "screen": "memory of a projector's page over a simulated day, 20,000 tallies",
    "tasks": "steps, their logs and their readers, beside a shell script, cat and gzip",
    "git": "a step that fetches from git, beside git itself",
    "celery": "10,000 Celery tasks followed: CPU of the watcher and of the server, tasks a second",
    "release": "commands on 20 hosts beside ssh, an upload beside sftp, from the last ballot to an open gate",
    "rooms": "2,000 people in a room: from a message to the last reader's bytes, memory",
    "logs": "CPU per MB of a log that is followed, beside zlib level 1; memory; lines, search",
}
DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="The comparisons, each beside its peer.",
        epilog="Progress is printed to standard error. All benchmarks together take more than an hour; "
        "--list names them.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="all of them when none is given")
    parser.add_argument("--list", action="store_true", help="name them and stop")
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean nothing")
    parser.add_argument("--write", action="store_true", help="keep the figures in docs/performance.md")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{name:10} {what}" for name, what in NAMES.items()))
        return 0
    names = options.names or list(NAMES)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)} (there are {', '.join(NAMES)})")
    if options.write and options.quick:
        parser.error("quick figures are not for the record")
    document = DOCUMENT.read_text(encoding="utf-8")
    if options.write and (without := [name for name in names if not record.has_place(document, name)]):
        parser.error(f"{DOCUMENT} has no place for {', '.join(without)}")  # said before hours of measuring
    for name in names:
        started, load = time.time(), load_average()
        with Progress(name) as progress:
            seconds = None if options.quick else record.last_seconds(DOCUMENT.read_text(encoding="utf-8"), name)
            progress.step(f"it begins; it took {seconds} s when its figures were kept" if seconds else "it begins")
            text = importlib.import_module(f"benchmarks.{name}").run(Plan(options.quick, progress.step))
        command = f"python -m benchmarks {name}" + (" --quick" if options.quick else "")
        header = record.header(command, facts(), started, time.time() - started, load)
        print(f"## {NAMES[name]}\n\n{header}\n\n{text}\n", flush=True)
        if options.write:
            record.keep(DOCUMENT, name, f"{header}\n\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
