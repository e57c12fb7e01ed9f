"""`python -E -S livewall/tasks/supervisor FOLDER`, the specification as JSON on stdin."""

import os
import sys

# Run as a folder, only that folder is on the path. The package comes last: what lies beside it must not be taken
# for the standard library.
del sys.path[0]
sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 4)[0])

from livewall.tasks.supervisor.run import main  # noqa: E402

main(sys.argv[1])
