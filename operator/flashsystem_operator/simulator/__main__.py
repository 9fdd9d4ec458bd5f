"""`python -m flashsystem_operator.simulator`: the same as `flashsystem-operator simulate`."""

from flashsystem_operator.simulator.command import simulate

simulate(prog_name="flashsystem-operator simulate")
