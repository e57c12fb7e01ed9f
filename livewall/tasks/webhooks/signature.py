"""The signature of a delivery: an HMAC-SHA256 of its time and its body. Pure."""

from __future__ import annotations

import hmac


def signature(secret: str, body: bytes, at: int) -> str:
    """Return the header `Livewall-Signature` of a body that is sent at the Unix time `at`.

    The time is signed as well, so that a receiver can refuse a delivery that somebody recorded and sends again.
    """
    signed = b"%d." % at + body
    digest = hmac.new(secret.encode(errors="surrogateescape"), signed, "sha256").hexdigest()
    return f"t={at},v1={digest}"
