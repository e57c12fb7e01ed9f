"""`python -E -S livewall/tasks/supervisor FOLDER`, the specification as JSON on stdin."""

import os
import sys

# Python puts the folder that it runs on the path. The package's parent goes to the end of the path instead, so that no
# module beside the package hides one of the standard library.
del sys.path[0]
sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 4)[0])

from livewall.tasks.supervisor.run import main  # noqa: E402

main(sys.argv[1])
