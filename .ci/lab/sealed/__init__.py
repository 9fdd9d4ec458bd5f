"""An isolated Docker engine, and in it a node image for kind that is built on this machine from packages alone.

For machines that can reach only package registries. Needs root. Reasons: docs/decisions/11-a-cluster-from-packages.md.
"""
