"""What all tests share: the cluster of the run, and a namespace of one's own in it."""

pytest_plugins = ["cluster.fixtures"]
