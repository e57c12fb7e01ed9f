"""Where the files that are not Python are.

In a checkout, and so in an editable install, `static` and `templates` lie beside the package; in a wheel they lie
inside it. One function answers for all three.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def folder(name: str, *, package: Path = PACKAGE) -> Path:
    """The folder `static`, `templates`, `locale` or `data`; raises FileNotFoundError when the installation lacks it."""
    inside, beside = package / name, package.parent / name
    # Inside first: beside an installed package lies whatever else is in site-packages.
    if inside.is_dir():
        return inside
    if beside.is_dir() and (package.parent / "setup.cfg").is_file():
        return beside
    raise FileNotFoundError(f"Livewall's folder {name!r} is neither in {package} nor beside it: install it again.")
