"""A kind cluster with the operator's image in it: what `make e2e` starts, and what tests/e2e is run against.

It knows the operator from outside only: its image, its manifests, kubectl. It imports nothing of it.
"""
