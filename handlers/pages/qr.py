"""QR codes as SVG."""

from __future__ import annotations

import functools
import io

import segno


def sheet_qr_svg(url: str) -> str:
    """Return a QR code as SVG, drawn quickly because a sheet has hundreds.

    The mask is fixed: trying all eight takes most of the time.
    """
    out = io.BytesIO()
    segno.make(url, error="m", mask=4).save(out, kind="svg", border=2, xmldecl=False, svgns=True, omitsize=True)
    return out.getvalue().decode()


@functools.lru_cache(256)
def qr_svg(url: str) -> str:
    """Return a QR code as SVG without inline style. Cached: drawing one takes longer than the rest of a page."""
    out = io.BytesIO()
    segno.make(url, error="m").save(out, kind="svg", border=3, xmldecl=False, svgns=True, omitsize=True, title=url)
    return out.getvalue().decode()
