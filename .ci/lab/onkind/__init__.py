"""A kind cluster with the operator's image in it: what `make e2e` starts, and what tests/e2e is run against.

It treats the operator as a black box: its image, its manifests, kubectl. It imports nothing of its code.
"""
