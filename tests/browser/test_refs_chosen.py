"""A branch, a tag or a commit is chosen from a list that is searched: by mouse, by keyboard, without script."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from browsing import ADMIN, Hall
from playwright.async_api import expect
from test_desk import check
from test_gates_decided import signed_in

from livewall.settings import Settings

LISTED = ".refs li"


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Lin", "-c", "user.email=lin@example.org")
    subprocess.run(["git", *identity, "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.fixture
def author(tmp_path: Path) -> Path:
    folder = tmp_path / "author"
    folder.mkdir()
    git(folder, "init", "--initial-branch=main")
    for subject in ("Begin", "Fix the <b>door</b> 修门"):
        git(folder, "commit", "--allow-empty", "--message", subject)
    git(folder, "tag", "v1.0", "HEAD~1")
    git(folder, "branch", "calm-week")
    return folder


@pytest.fixture
def settings(tmp_path: Path, author: Path) -> Settings:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "release.toml").write_text(f"""params.ref.type = "git_ref"
[[steps]]
name = "source"
git = {{ repository = "{author}", ref = "{{params.ref}}" }}
""")
    return Settings(port=0, data=tmp_path / "data", admin_token=ADMIN, rate_limits=False, pipelines=folder)


async def test_a_ref_is_searched_and_chosen_by_keyboard(hall: Hall) -> None:
    page = await signed_in(hall, ADMIN, (360, 780))
    await page.goto(f"{hall.url}/pipelines/release")
    await page.focus("input[role=combobox]")
    await expect(page.locator(LISTED)).to_have_count(5)
    await expect(page.locator(f"{LISTED} .subject").first).to_have_text("Fix the <b>door</b> 修门")
    faults: list[str] = []
    await check(page, "refs", faults)
    assert not faults
    await page.keyboard.type("v1")
    await expect(page.locator(LISTED)).to_have_count(1)
    await expect(page.locator("[role=status]").first).to_have_text("1 found")
    await page.keyboard.press("ArrowDown")
    chosen = str(await page.locator(f"{LISTED}[aria-selected=true]").get_attribute("id"))
    await expect(page.locator("input[role=combobox]")).to_have_attribute("aria-activedescendant", chosen)
    await page.keyboard.press("Enter")
    await expect(page.locator("input[role=combobox]")).to_have_value("v1.0")
    await expect(page.locator(".refs")).to_be_hidden()
    await page.keyboard.press("Enter")
    await hall.live(page)
    await expect(page.locator(".head .badge .word")).to_have_text("succeeded")
    params = (await hall.ask("GET", "/api/tasks"))["items"][0]["id"]
    assert (await hall.ask("GET", f"/api/tasks/{params}"))["params"] == {"ref": "v1.0"}


@pytest.mark.parametrize("size", [(1920, 1080), (360, 740)])
async def test_the_list_lies_over_the_form_and_moves_nothing(hall: Hall, size: tuple[int, int]) -> None:
    page = await signed_in(hall, ADMIN, size)
    await page.goto(f"{hall.url}/pipelines/release")
    await page.wait_for_selector("input[role=combobox]")
    start = page.locator("main button.primary")
    before = await start.bounding_box()
    await page.focus("input[role=combobox]")
    await expect(page.locator(LISTED)).to_have_count(5)
    assert await start.bounding_box() == before
    field = await page.locator("input[role=combobox]").bounding_box()
    listed = await page.locator(".refs").bounding_box()
    assert field is not None and listed is not None
    assert 0 <= listed["y"] - field["y"] - field["height"] < 10 and listed["width"] == field["width"]
    await page.fill("input[role=combobox]", "v1.0")
    await expect(page.locator(LISTED)).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.locator(".refs")).to_be_hidden()
    assert await start.bounding_box() == before
    await page.keyboard.press("ArrowDown")
    await expect(page.locator(".refs")).to_be_visible()
    await start.click()  # the list closes between the press and its release
    await page.wait_for_url("**/tasks/*")


async def test_a_commit_is_chosen_by_mouse_and_anything_may_be_typed(hall: Hall, author: Path) -> None:
    page = await signed_in(hall, ADMIN)
    await page.goto(f"{hall.url}/pipelines/release")
    await page.click("input[role=combobox]")
    await page.click(f"{LISTED} >> nth=3")
    done = subprocess.run(["git", "-C", str(author), "rev-parse", "main"], check=True, capture_output=True)
    await expect(page.locator("input[role=combobox]")).to_have_value(done.stdout.decode().strip())
    await page.fill("input[role=combobox]", "nothing-like-it")
    await expect(page.locator("[role=status]").first).to_have_text("0 found")
    await page.click("main button.primary")
    await hall.live(page)
    await expect(page.locator("#reason")).to_have_text(
        "source: the repository has no branch, tag or commit with this name"
    )


async def test_without_script_the_list_is_the_one_that_was_fetched_before(hall: Hall) -> None:
    await hall.ask("GET", "/api/pipelines/release/refs")
    page = await signed_in(hall, ADMIN, script=False)
    await page.goto(f"{hall.url}/pipelines/release")
    await expect(page.locator("datalist option")).to_have_count(5)
    await page.fill("input[list]", "calm-week")
    await page.click("main button.primary")
    await expect(page.locator("h1")).to_have_text("release")
