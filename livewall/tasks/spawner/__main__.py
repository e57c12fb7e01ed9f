"""`python -E -S livewall/tasks/spawner`: a socket to the server is the standard input."""

import os
import sys

# Python puts the folder that it runs on the path. The package's parent goes to the end of the path instead, so that no
# module beside the package hides one of the standard library.
del sys.path[0]
sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 4)[0])

from livewall.tasks.spawner.fork import serve  # noqa: E402

serve()
