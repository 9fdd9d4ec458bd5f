"""Manage the kind cluster: `python -m onkind up | down | env | prepare | image`. What a shell needs goes to stdout."""

import argparse
import os
import sys
from pathlib import Path

from cluster.missing import Missing, NoCluster
from cluster.pointing import pointing
from cluster.progress import report
from onkind import image
from onkind.standing import down, prepare, standing, up

COMMANDS = {
    "up": "create a new cluster with the operator's image in it; one that is up is replaced",
    "down": "delete it, and stop everything that was started for it",
    "env": "print the shell commands that select the cluster that is up",
    "prepare": "do what takes long the first time, without starting a cluster",
    "image": "build the operator's image with the Docker that runs here, and print its size",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="onkind", description="The operator's image, and a kind cluster for it.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text)
    try:
        return _run(parser.parse_args().command)
    except (NoCluster, Missing) as why:
        report(str(why).rstrip())
        return 2
    except KeyboardInterrupt:
        report("interrupted; `make e2e-down` stops what was started")
        return 130


def _run(command: str) -> int:
    if command == "up":
        created = up(os.environ)
        report(f'{created.name} is up: `eval "$(make -s e2e-env)"` selects it in a shell, `make e2e-down` deletes it')
    elif command == "down":
        down(os.environ)
    elif command == "prepare":
        prepare(os.environ)
    elif command == "image":
        image.build(os.environ)
    else:
        left = standing()
        if left is None:
            raise NoCluster("no kind cluster is up: `make e2e-up` starts one")
        sys.stdout.write(pointing(left.kubeconfig, Path(left.kubectl), os.environ))
    return 0


if __name__ == "__main__":
    sys.exit(main())
