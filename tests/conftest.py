"""What all tests share. Being here puts this folder on the path: `from checker import Checker`."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

# The property tests are quick in the suite and deep under `make torture` (--hypothesis-profile=deep); a failure is
# found again with --hypothesis-seed.
_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile(
    "quick",
    max_examples=100,
    stateful_step_count=60,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=_QUIET,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
settings.register_profile("deep", settings.get_profile("quick"), max_examples=2000, stateful_step_count=120)
settings.load_profile("quick")
