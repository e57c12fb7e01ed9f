"""The folders of files that are not Python.

In a checkout, and so in an editable install, `static` and `templates` lie beside the package; in a wheel they lie
inside it. One function answers for both.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def folder(name: str, *, package: Path = PACKAGE) -> Path:
    """Return the folder `static`, `templates`, `locale` or `data`. Raises FileNotFoundError if the installation lacks
    it."""
    inside, beside = package / name, package.parent / name
    # Inside first: beside an installed package lies everything else in site-packages.
    if inside.is_dir():
        return inside
    if beside.is_dir() and (package.parent / "setup.cfg").is_file():
        return beside
    raise FileNotFoundError(f"Livewall's folder {name!r} is neither in {package} nor beside it: install it again.")
