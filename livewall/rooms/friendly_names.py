"""Names of two words for people who chose none: friendly ones, of which nobody need be ashamed on a projector."""

from __future__ import annotations

_FIRST_WORDS = """
Amber Apricot Azure Bright Bronze Calm Cedar Cheerful Cherry Clear Clever Cloudy Copper Coral Cosmic Crimson Curious
Daring Eager Early Emerald Fair Fern Gentle Ginger Glad Golden Green Happy Hazel Honest Indigo Ivory Jade Jolly Keen
Kind Lavender Lemon Light Lilac Lively Lucky Lunar Maple Mellow Merry Mild Mint Misty Noble Northern Olive Opal Orange
Patient Peach Pearl Pine Plum Polite Purple Quick Quiet Rapid Ready Red Royal Ruby Rustic Saffron Sandy Scarlet Sharp
Shiny Silent Silver Smart Smooth Snowy Solar Southern Spring Steady Still Sunny Swift Teal Tidy Topaz Tranquil True
Turquoise Velvet Violet Warm Western White Wise Witty Yellow
"""
_SECOND_WORDS = """
Badger Beaver Bee Bison Bluebird Butterfly Camel Canary Cat Cheetah Cricket Crane Crow Deer Dolphin Dove Dragonfly Duck
Eagle Egret Elk Falcon Finch Firefly Fox Gazelle Gecko Giraffe Goose Gull Hare Hawk Hedgehog Heron Hoopoe Horse
Hummingbird Ibex Ibis Jay Kestrel Kingfisher Kiwi Koala Lark Lemur Leopard Linnet Lion Llama Lynx Magpie Mallard Marten
Mole Moose Moth Mouse Narwhal Newt Nightingale Ocelot Octopus Oriole Osprey Otter Owl Panda Parrot Pelican Penguin
Pheasant Plover Pony Puffin Puma Quail Rabbit Raccoon Raven Robin Salmon Sandpiper Seal Sparrow Squirrel Starling Stork
Swallow Swan Swift Tapir Tern Thrush Tiger Toucan Turtle Vole Walrus Whale Wombat Woodpecker Wren Yak Zebra
"""
FIRST, SECOND = _FIRST_WORDS.split(), _SECOND_WORDS.split()


def friendly_name(digest: bytes) -> str:
    """Return the name that a digest of a person has, the same for every reader."""
    first, second = int.from_bytes(digest[-8:-4], "big"), int.from_bytes(digest[-4:], "big")
    return f"{FIRST[first % len(FIRST)]} {SECOND[second % len(SECOND)]}"
