"""`python -m flashsystem_operator.simulator`: the same as `flashsystem-operator simulate`."""

from .command import simulate

simulate(prog_name="flashsystem-operator simulate")
