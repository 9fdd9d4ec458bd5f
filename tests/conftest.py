"""Shared by all tests: the cluster of the run, a namespace in it for each test, and a simulated array."""

import logging

from hypothesis import HealthCheck, settings

pytest_plugins = ["cluster.fixtures", "support.fixtures"]

# A library that logs through the root logger would otherwise set it up, on a stream that pytest closes after the test.
logging.getLogger().addHandler(logging.NullHandler())

# A busy machine is no reason to fail.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
