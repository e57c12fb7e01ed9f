"""When a delivery that failed is tried again. Pure."""

from __future__ import annotations

FIRST_DELAY = 1.0
LONGEST_DELAY = 1800.0
GIVEN_UP_AFTER = 86_400.0


def retry_delay(
    tries: int,
    age: float,
    *,
    first: float = FIRST_DELAY,
    longest: float = LONGEST_DELAY,
    given_up_after: float = GIVEN_UP_AFTER,
) -> float | None:
    """Return the seconds until the next try after `tries` failed ones, or None to give up.

    `age` is for how many seconds the delivery has existed. The delay doubles with each try. The last try is not later
    than `given_up_after`.
    """
    delay = min(first * 2.0 ** min(tries - 1, 60), longest)
    return delay if age + delay <= given_up_after else None
