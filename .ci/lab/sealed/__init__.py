"""A Docker engine without a way out, and in it a node image for kind: made on this machine, from packages alone.

For machines that reach package registries only. Needs root. docs/decisions/11-a-cluster-from-packages.md says why so.
"""
