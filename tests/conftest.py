"""What all tests share: the cluster of the run, and a namespace of one's own in it."""

import logging

pytest_plugins = ["cluster.fixtures"]

# A library that logs through the root logger would otherwise set it up, on a stream that pytest closes after the test.
logging.getLogger().addHandler(logging.NullHandler())
