"""The pages of README and docs: every link leads somewhere, and every page is in the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[str]:
    found = LINK.findall(FENCED.sub("", page.read_text()))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """Return the names that the headings of a page have as the ends of addresses."""
    titles = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_module_that_a_page_names_is_there(page: Path) -> None:
    text = "" if page.name == "CHANGELOG.md" else page.read_text()
    for name in re.findall(r"`((?:livewall|handlers|static|tests|benchmarks|locale)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), name


def test_every_method_that_the_page_of_the_architecture_names_is_there() -> None:
    sources = [path.read_text() for path in [ROOT / "server.py", *ROOT.glob("livewall/**/*.py")]]
    sources += [path.read_text() for path in ROOT.glob("handlers/**/*.py")]
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = re.findall(r"`([A-Z]\w+|[a-z]\w+)\.([a-z]\w+)(?:\([^`]*\))?`", page)
    named = [(owner, name) for owner, name in named if name not in ("py", "js", "md", "db", "html", "csv", "cfg")]
    assert named
    for owner, name in named:
        holders = [source for source in sources if re.search(rf"^ *(?:async )?def {name}\b", source, re.MULTILINE)]
        if owner[0].isupper():
            holders = [source for source in holders if re.search(rf"^class {owner}\b", source, re.MULTILINE)]
        assert holders, f"{owner}.{name}"


def test_the_index_lists_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / link).resolve() for link in links(index)}
    assert {page for page in (ROOT / "docs").glob("*.md") if page != index} <= listed


def test_the_readme_is_short_and_shows_what_it_is_about() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.split()) < 900
    assert {"docs/screen.png", "docs/phone.png", "docs/host.png", "docs/chart.png"} <= set(links(ROOT / "README.md"))
