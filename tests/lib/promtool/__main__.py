"""`python -m promtool`: build it, if it is not there. Before pytest, which would keep the progress to itself."""

import sys

from cluster.missing import Missing
from cluster.progress import say
from promtool import program

try:
    program()
except Missing as why:
    say(f"promtool, which checks the alerts, is not on PATH and cannot be built: {why}")
    sys.exit(2)
