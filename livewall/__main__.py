"""`python -m livewall` is `livewall`."""

import sys

from livewall.missing_packages import advice

try:
    from livewall.cli import main
except ModuleNotFoundError as problem:
    sys.exit(advice(problem))

main()
