"""The import map, its hash, and what is asked for ahead."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

from handlers.assets.assets import Assets, in_script

STATIC = Path(__file__).parents[2] / "static"


def test_every_module_is_led_to_its_versioned_address() -> None:
    imports = json.loads(Assets(STATIC).importmap)["imports"]
    assert set(imports) == {f"/static/{path.relative_to(STATIC).as_posix()}" for path in STATIC.glob("js/**/*.js")}
    assert all(re.fullmatch(re.escape(plain) + r"\?v=[0-9a-f]+", url) for plain, url in imports.items())


def test_the_hash_is_that_of_the_map() -> None:
    assets = Assets(STATIC)
    digest = hashlib.sha256(assets.importmap.encode()).digest()
    assert assets.importmap_hash == f"sha256-{base64.b64encode(digest).decode()}"


def test_a_page_asks_ahead_for_all_it_imports_and_for_nothing_else() -> None:
    found = [url.partition("?")[0] for url in Assets(STATIC).preload("js/pages/task.js")]
    assert "/static/js/task/chart.js" in found and "/static/js/net/connection.js" in found
    assert "/static/js/poll/ballot.js" not in found
    assert len(found) == len(set(found))


def test_a_title_cannot_end_a_data_block() -> None:
    text = in_script({"title": "</script><!--<script>"})
    assert "<" not in text
    assert json.loads(text)["title"] == "</script><!--<script>"
