"""Names that nobody chooses, and those of people that pass. No store."""

from __future__ import annotations

import pytest

from livewall.rooms.friendly_names import FIRST, SECOND
from livewall.rooms.house_names import RESERVED, is_reserved
from livewall.rooms.message_text import person_name

OF_THE_HOUSE = [
    "Hôst", "HOST\u0338", "h\u0335ost", "ʜᴏꜱᴛ", "🅷🅾🆂🆃", "🅗🅞🅢🅣", "🇭🇴🇸🇹", "ⓗⓞⓢⓣ", "ħøst", "ноst",
    "hоѕт", "H O S T", "host⭐", "h.o.s.t", "аԁмin", "admin.", "@admin", "[admin]", "ad\u2800min", "ÀDMÏN",
    "ɑdmin", "Ivewall", "Iivewall", "LiveWall", "l1vewall", "ʟɪᴠᴇᴡᴀʟʟ", "Moderator!", "ѕуѕtem", "Guest",
    "*guest*", "0perator", "rеporter",
]  # fmt: skip


@pytest.mark.parametrize("name", [*OF_THE_HOUSE, *RESERVED])
def test_nobody_takes_a_name_of_the_house(name: str) -> None:
    assert is_reserved(person_name(name), "Green Parrot", [])


FRIENDLY = [
    "Pine Zebra", "PineZebra", "pine zebra", "Grееn Рarrоt", "Iv0ry K1ngf1sher", "Early\u2800Falcon",
    "Early\u200bFalcon", "Early\u3164Falcon", "Pine-Zebra", "Pine\u00a0Zebra", "PÏNE ZEBRA", "ᴘɪɴᴇ ᴢᴇʙʀᴀ",
    "𝓟𝓲𝓷𝓮 Zebra", "Rubyjay", "Pine Zebra\u0301.",
]  # fmt: skip


@pytest.mark.parametrize("name", FRIENDLY)
def test_nobody_takes_the_friendly_name_of_another(name: str) -> None:
    assert is_reserved(person_name(name), "Red Fox", [])


def test_the_friendly_names_are_kept_for_those_who_have_them() -> None:
    assert not is_reserved("Pine Zebra", "Pine Zebra", []) and not is_reserved("pine zebra", "Pine Zebra", [])
    assert is_reserved("Pine Zebra", "Pine Zebra", ["Pine Zebra"]), "somebody with a role has it"
    assert all(is_reserved(f"{first} {second}", "", []) for first, second in zip(FIRST, SECOND, strict=False))


REAL = [
    "Иван", "Андрей", "Αλέξης", "王小明", "Gabrielé", "José", "Zoë", "Ødegård", "Łukasz", "Đặng Thị Ngọc",
    "محمد", "שָׁלוֹם", "हिन्दी", "สมชาย", "がく", "김민준", "Hosten", "Ana", "Anna", "Pine", "Zebra", "Green",
    "Parrot Green", "Max Fox", "Red", "Ivory", "Lion King", "Adam", "Oleg 🦊", "Ng", "O'Brien", "J.-P.",
    "မောင်", "ელენე", "Նարեկ", "አበበ", "ཚེ་རིང་", "?!", "🦊", "Iva", "Wall",
]  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_names_of_real_people_pass_in_any_script(name: str) -> None:
    others = [other for other in REAL if other != name and other not in ("Ana", "Anna")]
    assert not is_reserved(person_name(name), "Green Parrot", [*others, "Lin", "Bärbel"])


def test_a_name_of_somebody_with_a_role_is_imitated_by_nobody() -> None:
    for name in ("Ivan", "Ívan", "IVAN", "lvan", "Ivan.", "🅸van", "Ivаn", "Ivan ✓"):
        assert is_reserved(name, "", ["Iván"]), name
    assert is_reserved("Иван", "", ["Иван"]) and is_reserved("王小明!", "", ["王小明"])
    assert is_reserved("★", "", ["★"]) and not is_reserved("☂", "", ["★"])
    assert not is_reserved("हन", "", ["हिन"]), "vowel signs tell names apart"
