"""`python -I livewall/tasks/programs/__main__.py NAME`: run one of the programs of this package."""

import os
import sys

# Isolated mode adds neither the folder of this file nor the working folder to the path, so that no file which a step
# has fetched can be imported. The package's parent goes to the end, where it hides nothing.
sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 4)[0])

from livewall.tasks.programs import main

main(sys.argv[1])
