"""`python -I livewall/tasks/connector/__main__.py FOLDER`, the specification as JSON on stdin."""

import os
import sys

# Isolated mode adds neither the folder of this file nor the working folder to the path. The package's parent goes to
# the end, where it hides nothing.
sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 4)[0])

from livewall.tasks.connector.server import main

main(sys.argv[1])
