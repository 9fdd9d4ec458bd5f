"""`python -m promtool`: build it, if it is not there. Before pytest, which would keep the progress to itself."""

import sys

from cluster.missing import Missing
from cluster.progress import report
from promtool import program

try:
    program()
except Missing as why:
    report(f"promtool, which checks the alerts, is not on PATH and cannot be built: {why}")
    sys.exit(2)
