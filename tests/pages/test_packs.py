"""Several modules as one: the same modules, in the order in which a browser would run them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from handlers.assets import packs
from handlers.assets.assets import Assets

STATIC = Path(__file__).parents[2] / "static"
PAGES = sorted((STATIC / "js/pages").glob("*.js"))
node = pytest.mark.skipif(shutil.which("node") is None, reason="no node here")


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text)
    return folder / f"{next(iter(files))}.js"


@node
@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_page_can_be_packed(page: Path, tmp_path: Path) -> None:
    made = tmp_path / "pack.mjs"
    made.write_text(packs.modules(page))
    subprocess.run(["node", "--check", made], check=True)


@node
def test_a_pack_does_what_its_modules_do(tmp_path: Path) -> None:
    entry = written(
        tmp_path,
        main='import { twice as double } from "./b.js";\nimport { count, Thing } from "./a.js";\n'
        "const inner = 20;\nconsole.log(double(count.n), inner, new Thing().name);\n",
        b='import { count } from "./a.js";\nconst inner = 1;\ncount.n += inner;\n'
        "export const twice = (n) => 2 * n;\nexport async function later() {}\n",
        a="const inner = 5;\nexport const count = { n: inner };\nexport class Thing { name = `a ${inner}`; }\n",
    )
    as_pack = subprocess.run(
        ["node", "--input-type=module", "-e", packs.modules(entry)], check=True, capture_output=True, text=True
    )
    (tmp_path / "package.json").write_text('{"type":"module"}')
    as_modules = subprocess.run(["node", entry], check=True, capture_output=True, text=True)
    assert as_pack.stdout == as_modules.stdout == "12 20 a 5\n"


@pytest.mark.parametrize(
    "text",
    ['import * as all from "./a.js";', 'import "./a.js";', "export default 1;", "export let n = 1;", "export { a };"],
)
def test_what_a_pack_cannot_hold_is_refused(text: str, tmp_path: Path) -> None:
    entry = written(tmp_path, main=f"{text}\n", a="export const a = 1;\n")
    with pytest.raises(ValueError, match="cannot hold"):
        packs.modules(entry)


def test_comments_on_lines_of_their_own_are_left_out(tmp_path: Path) -> None:
    entry = written(
        tmp_path,
        main='// first\n/** @import { A } from "./a.js" */\n/**\n * Says "//".\n */\n'
        'const a = "//"; // kept\n\n  /* one */\nlet b;\n',
    )
    pack = packs.modules(entry)
    assert 'const a = "//"; // kept\n\nlet b;\n' in pack
    assert "first" not in pack and "@import" not in pack and "one" not in pack


def test_a_template_that_spans_lines_is_refused(tmp_path: Path) -> None:
    entry = written(tmp_path, main="const text = `first\n// second`;\n")
    with pytest.raises(ValueError, match="spans lines"):
        packs.modules(entry)


def test_a_name_that_is_not_exported_is_refused(tmp_path: Path) -> None:
    entry = written(tmp_path, main='import { a, b } from "./a.js";\n', a="export const a = 1;\nconst b = 2;\n")
    with pytest.raises(ValueError, match="does not export b"):
        packs.modules(entry)


def test_modules_in_a_ring_are_refused(tmp_path: Path) -> None:
    entry = written(
        tmp_path,
        main='import { a } from "./a.js";\nexport const b = 1;\n',
        a='import { b } from "./main.js";\nexport const a = 1;\n',
    )
    with pytest.raises(ValueError, match="imports itself"):
        packs.modules(entry)


def test_style_sheets_hold_what_all_pages_share_and_need_no_other_file() -> None:
    pack = Assets(STATIC).pack("pages.css").plain.decode()
    for name in ("tokens", "base", "pages"):
        assert (STATIC / f"css/{name}.css").read_text() in pack
    assert not re.search(r"@import|@charset|url\(", pack)


def test_an_address_changes_with_its_content(tmp_path: Path) -> None:
    first, again, other = (packs.Pack("poll.js", text) for text in ("a", "a", "b"))
    assert first.url == again.url != other.url
