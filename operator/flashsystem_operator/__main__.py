"""`python -m flashsystem_operator` is the command `flashsystem-operator`."""

from flashsystem_operator.cli import main

main(prog_name="flashsystem-operator")
