"""The 944 real answers that the demonstration casts and the tests count."""

from __future__ import annotations

import csv

from livewall.resources import folder

OPTIONS = ("Clinton", "Dole")


def votes() -> list[int]:
    """Each respondent's vote in the order of the file: 0 for Clinton (551), 1 for Dole (393)."""
    with (folder("data") / "anes96.csv").open(newline="") as file:
        return [int(row["vote"]) for row in csv.DictReader(file, delimiter="\t", quotechar="'")]
