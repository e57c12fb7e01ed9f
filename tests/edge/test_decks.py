"""Decks over HTTP: put on a wall as a whole or not at all, once for each id, and taken off it as they came."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from clients import ADMIN, Answer, Client

STRANGE = (Path(__file__).resolve().parents[1] / "decks" / "strange.md").read_bytes()
SMALL = "# Ignored\n\n## One?\n- A\n- B\n\nresults: after close\n\n"
SMALL += "## Two?\n- C {#c}\n- D {abstain}\nquorum: 3\ncloses in: 60\n"


async def post(client: Client, wall: str, text: str | bytes, query: str = "", token: str | None = ADMIN) -> Answer:
    raw = text if isinstance(text, bytes) else text.encode()
    headers = {"Content-Type": "text/markdown"}
    return await client.ask("POST", f"/api/walls/{wall}/deck{query}", raw=raw, token=token, headers=headers)


async def items(client: Client, wall: str) -> list[str]:
    return list((await client.host("GET", f"/api/walls/{wall}"))["items"])


async def export(client: Client, wall: str) -> bytes:
    answer = await client.ask("GET", f"/api/walls/{wall}/deck.md", token=ADMIN)
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    return answer.body


async def acts(client: Client) -> list[tuple[str, Any]]:
    return [(line["act"], line["detail"]) for line in (await client.host("GET", "/api/audit"))["items"]]


async def new_wall(client: Client, title: str = "Forum") -> str:
    return str((await client.host("POST", "/api/walls", {"title": title}))["code"])


async def test_a_deck_is_appended_to_its_wall_in_order(client: Client) -> None:
    wall = await new_wall(client)
    first = await client.poll(open=False, wall=wall)
    answer = await post(client, wall.lower(), SMALL)
    assert answer.status == 201
    one, two = answer.json["polls"]
    assert (one["title"], one["phase"], one["wall"], one["results"]) == ("One?", "draft", wall, "after_close")
    assert two["options"] == [{"id": "c", "label": "C"}, {"id": "2", "label": "D", "abstain": True}]
    assert two["quorum"] == 3
    assert await items(client, wall) == [f"polls/{poll['id']}" for poll in (first, one, two)]
    opened = await client.host("POST", f"/api/polls/{two['id']}/open")
    assert opened["closes_at"] is not None


async def test_importing_is_one_act_with_the_count(client: Client) -> None:
    wall = await new_wall(client)
    await post(client, wall, SMALL)
    assert (await acts(client))[0] == ("deck.import", {"count": 2})
    assert [act for act, _ in await acts(client)] == ["deck.import", "wall.create"]


async def test_a_deck_with_a_fault_is_refused_whole_with_all_its_lines(client: Client) -> None:
    wall = await new_wall(client)
    answer = await post(client, wall, SMALL + "\n## Three?\n\n## Four?\n- \n")
    assert (answer.status, answer.code) == (422, "invalid")
    fields = answer.json["error"]["fields"]
    assert list(fields) == ["line 15", "line 18"] and "no options" in fields["line 15"]
    assert await items(client, wall) == [] and (await client.host("GET", "/api/polls"))["items"] == []


async def test_the_same_deck_under_one_id_is_imported_once(client: Client) -> None:
    wall = await new_wall(client)
    first, second = await asyncio.gather(*(post(client, wall, SMALL, "?id=try-1") for _ in range(2)))
    again = await post(client, wall, SMALL, "?id=try-1")
    assert sorted((first.status, second.status)) == [200, 201] and again.status == 200
    assert first.json == second.json == again.json
    assert len(await items(client, wall)) == 2
    assert (await post(client, wall, SMALL, "?id=try-2")).status == 201
    assert (await post(client, wall, SMALL + "\n", "?id=try-1")).status == 201
    other = await new_wall(client)
    assert (await post(client, other, SMALL, "?id=try-1")).status == 201
    assert len(await items(client, wall)) == 6


async def test_a_repetition_answers_with_what_is_still_there(client: Client) -> None:
    wall = await new_wall(client)
    made = (await post(client, wall, SMALL, "?id=x")).json["polls"]
    await client.host("DELETE", f"/api/polls/{made[0]['id']}")
    again = await post(client, wall, SMALL, "?id=x")
    assert again.status == 200 and again.json["polls"] == made[1:]


@pytest.mark.parametrize("id", ["a/b", "%20", "x" * 81])
async def test_an_id_is_a_name(client: Client, id: str) -> None:
    answer = await post(client, await new_wall(client), SMALL, f"?id={id}")
    assert (answer.status, list(answer.json["error"]["fields"])) == (422, ["id"])


async def test_what_is_no_deck_is_refused(client: Client) -> None:
    wall = await new_wall(client)
    for raw, status, code in (
        (b"", 422, "invalid"), (b"## Q\n- \xff", 422, "invalid"), (b"\xff\xfe#\0", 422, "invalid"),
        (b"x" * (1 << 20 | 1), 413, "too_large"),
    ):  # fmt: skip
        answer = await post(client, wall, raw)
        assert (answer.status, answer.code) == (status, code)
    assert (await post(client, "ZZZZZZ", SMALL)).status == 404


async def test_a_wall_has_room_for_so_many(client: Client) -> None:
    wall = await new_wall(client)
    assert (await post(client, wall, "## Q\n- A\n" * 500)).status == 201
    answer = await post(client, wall, SMALL)
    assert (answer.status, list(answer.json["error"]["fields"])) == (422, ["items"])
    assert len(await items(client, wall)) == 500


async def test_decks_are_for_hosts(client: Client) -> None:
    wall = await new_wall(client)
    operator = await client.token("operator")
    for token, status in ((None, 401), (operator, 403)):
        assert (await post(client, wall, SMALL, token=token)).status == status
        assert (await client.ask("GET", f"/api/walls/{wall}/deck.md", token=token)).status == status
        assert (await client.ask("POST", f"/api/walls/{wall}/duplicate", token=token)).status == status


async def test_everything_strange_is_exported_as_it_was_imported(client: Client) -> None:
    wall = await new_wall(client, "Everything strange: <all> of *it*")
    answer = await post(client, wall, STRANGE)
    assert answer.status == 201 and len(answer.json["polls"]) == 12
    assert await export(client, wall) == STRANGE


async def test_everything_strange_is_shown_as_text(client: Client) -> None:
    wall = await new_wall(client)
    for poll in (await post(client, wall, STRANGE.replace(b"assurance: code\n", b""))).json["polls"]:
        here = f"/polls/{poll['id']}"
        await client.host("POST", f"/api{here}/open")
        for page in (here, f"{here}/screen"):
            answer = await client.ask("GET", page)
            assert answer.status == 200
            assert b"<script>alert" not in answer.body and b"<b>bold" not in answer.body
            for text in [poll["title"], *(option["label"] for option in poll["options"])]:
                assert escaped(text) in answer.body.decode(), (page, text)
    for page in (f"/w/{wall}/host", "/", f"/w/{wall}/screen", f"/w/{wall}"):
        answer = await client.ask("GET", page, token=ADMIN)
        assert answer.status == 200 and b"<script>alert" not in answer.body and b"<b>bold" not in answer.body


def escaped(text: str) -> str:
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#x27;")):
        text = text.replace(sign, name)
    return text


async def test_tasks_are_no_part_of_a_deck(client: Client) -> None:
    wall = await new_wall(client)
    await client.host("POST", "/api/tasks", {"title": "T", "steps": [{"name": "a"}], "id": "t1"})
    poll = await client.poll(wall=wall, title="Q")
    await client.host("PUT", f"/api/walls/{wall}", {"items": ["tasks/t1", f"polls/{poll['id']}"]})
    assert await export(client, wall) == b"# Forum\n\n## Q\n\n- A\n- B\n"


async def test_a_wall_is_copied_with_its_polls_as_drafts(client: Client) -> None:
    wall = await new_wall(client, "Assembly")
    polls = (await post(client, wall, STRANGE.replace(b"assurance: code\n", b""))).json["polls"]
    await client.host("POST", "/api/tasks", {"title": "T", "steps": [{"name": "a"}], "id": "t1"})
    await client.host("POST", f"/api/polls/{polls[0]['id']}/open")
    await client.vote(polls[0]["id"], "1")
    await client.host("POST", f"/api/polls/{polls[0]['id']}/close")
    stage = {"items": ["tasks/t1", *(f"polls/{poll['id']}" for poll in polls)], "active": f"polls/{polls[0]['id']}"}
    await client.host("PUT", f"/api/walls/{wall}", stage)
    answer = await client.ask("POST", f"/api/walls/{wall}/duplicate", token=ADMIN)
    assert answer.status == 201
    copy = answer.json
    assert copy["code"] != wall and (copy["title"], copy["active"]) == ("Assembly", None)
    assert copy["links"]["screen"].endswith(f"/w/{copy['code']}/screen")
    assert answer.headers["Location"] == f"/api/walls/{copy['code']}"
    made = [await client.host("GET", f"/api/{item}") for item in copy["items"]]
    assert [(poll["phase"], poll["round"], poll["wall"]) for poll in made] == [("draft", 1, copy["code"])] * 12
    assert not {poll["id"] for poll in polls} & {poll["id"] for poll in made}
    assert await export(client, copy["code"]) == await export(client, wall)
    assert (await acts(client))[0] == ("wall.duplicate", {"of": f"walls/{wall}"})
    changed = await client.ask(
        "PUT", f"/api/walls/{copy['code']}", {"title": "B"}, token=ADMIN, headers={"If-Match": answer.headers["ETag"]}
    )
    assert changed.status == 200


async def test_a_wall_that_is_not_there_has_no_deck_and_no_copy(client: Client) -> None:
    assert (await client.ask("GET", "/api/walls/ZZZZZZ/deck.md", token=ADMIN)).code == "not_found"
    assert (await client.ask("POST", "/api/walls/ZZZZZZ/duplicate", token=ADMIN)).code == "not_found"


async def form(
    client: Client, wall: str, query: str = "", *, token: str = ADMIN, file: bytes = b"", **fields: str
) -> Answer:
    """The form of the page as a browser sends it."""
    parts = [f'--x\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()]
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="d.md"\r\n\r\n'
    parts.append(head + file + b"\r\n--x--\r\n")
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Sec-Fetch-Site": "same-origin"}
    return await client.ask("POST", f"/w/{wall}/deck{query}", raw=b"".join(parts), token=token, headers=headers)


async def test_a_form_imports_what_was_typed_or_a_file_and_leads_back(client: Client) -> None:
    wall = await new_wall(client)
    answer = await form(client, wall, deck=SMALL.replace("\n", "\r\n"), id="a")
    assert answer.status == 303
    assert answer.headers["Location"] == f"/w/{wall}/host?done=deck&at=wall-{wall}#wall-{wall}"
    assert (await form(client, wall, deck=SMALL.replace("\n", "\r\n"), id="a")).status == 303
    assert len(await items(client, wall)) == 2
    assert (await form(client, wall, file=STRANGE, deck="what was typed before", id="b")).status == 303
    assert len(await items(client, wall)) == 14
    shown = (await client.ask("GET", answer.headers["Location"].partition("#")[0], token=ADMIN)).body.decode()
    assert "The polls were imported" in shown and f'href="/w/{wall}/deck"' in shown


async def test_what_is_wrong_stands_beside_its_line_and_what_was_typed_is_kept(client: Client) -> None:
    wall = await new_wall(client)
    typed = '\r\n## Q <b>?\r\n- A\r\nreslts: "live"\r\n'
    for answer in (await form(client, wall, deck=typed), await form(client, wall, file=typed.encode())):
        page = answer.body.decode()
        assert answer.status == 422 and "Nothing was imported: there is one error." in page
        assert '<b>Line 4</b> <code dir="auto">reslts: &quot;live&quot;</code>' in page
        assert "there is no setting &#x27;reslts&#x27;; did you mean &#x27;results&#x27;?" in page
        kept = page.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0]
        assert kept.replace("\r\n", "\n") == "\n" + escaped(typed.replace("\r\n", "\n"))
    answer = await form(client, wall, file=b"## Q\n- \xff")
    assert answer.status == 422 and "not UTF-8" in answer.body.decode()
    assert await items(client, wall) == []


async def test_a_form_that_is_none_or_too_large_is_refused(client: Client) -> None:
    wall = await new_wall(client)
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Sec-Fetch-Site": "same-origin"}
    answer = await client.ask("POST", f"/w/{wall}/deck", raw=b"--y", token=ADMIN, headers=headers)
    assert answer.status == 400
    refused = await form(client, wall, file=b"x" * (1 << 20))
    said = refused.body.decode()
    assert refused.status == 413 and "At most 1 MiB can be sent with this form." in said
    assert f'<a class="second" href="/w/{wall}/deck">Back to “Polls from a file”</a>' in said
    refused = await form(client, wall, "?lang=zh-CN", deck="x" * (1 << 20))
    assert refused.status == 413 and "最多可提交 1 MiB" in refused.body.decode()
    answer = await client.ask("POST", f"/w/{wall}/deck", raw=b"deck=", token=await client.token("operator"))
    assert answer.status == 403


async def test_the_desk_copies_a_wall_and_leads_to_the_copy(client: Client) -> None:
    wall = await new_wall(client)
    await post(client, wall, SMALL)
    assert f'action="/w/{wall}/duplicate"' in (await client.ask("GET", "/", token=ADMIN)).body.decode()
    headers = {"Sec-Fetch-Site": "same-origin"}
    answer = await client.ask("POST", f"/w/{wall}/duplicate", raw=b"", token=ADMIN, headers=headers)
    assert answer.status == 303
    copy = answer.headers["Location"].split("/")[2]
    assert copy != wall and await export(client, copy) == await export(client, wall)
    shown = (await client.ask("GET", answer.headers["Location"], token=ADMIN)).body.decode()
    assert "This is the copy" in shown


async def test_questions_of_another_format_are_imported_with_a_note_of_what_is_not_kept(client: Client) -> None:
    wall = await new_wall(client)
    answer = await post(client, wall, b"Which is red?\r\nA. Rose\r\nB. Grass\r\nANSWER: A\r\n")
    assert answer.status == 201
    made = answer.json
    assert [poll["title"] for poll in made["polls"]] == ["Which is red?"]
    assert [option["label"] for option in made["polls"][0]["options"]] == ["Rose", "Grass"]
    assert "not imported" in made["notes"][0]
    plain = await post(client, wall, "## Q\n- A\n- B")
    assert "notes" not in plain.json
    page = await form(client, wall, file="Question;Option 1;Option 2;Correct\nQ?;a;b;1\n".encode("utf-16"))
    assert page.status == 303 and "done=deck_marks" in page.headers["Location"]
    assert b"ANSWER" not in await export(client, wall) and b"orrect" not in await export(client, wall)


async def test_a_file_that_is_not_read_is_named_on_the_page_too(client: Client) -> None:
    wall = await new_wall(client)
    page = await form(client, wall, file=b"PK\x03\x04\0\0 not a workbook")
    assert page.status == 422 and "this packed file is damaged" in page.body.decode()
    page = await form(client, wall, file=b"<quiz></quiz>")
    assert page.status == 422 and "Moodle XML" in page.body.decode() and await items(client, wall) == []
