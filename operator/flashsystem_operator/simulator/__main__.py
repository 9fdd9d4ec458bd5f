"""`python -m flashsystem_operator.simulator`: the same as `flashsystem-operator simulate`."""

from flashsystem_operator.simulator.cli import simulate

simulate(prog_name="flashsystem-operator simulate")
