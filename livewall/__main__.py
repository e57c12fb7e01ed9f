"""`python -m livewall` is `livewall`."""

from livewall.cli import main

main()
