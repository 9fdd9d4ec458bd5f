"""A cluster for a shell: `python -m cluster up | down | env | prepare`. What a shell needs goes to stdout."""

import argparse
import os
import sys
from pathlib import Path

from cluster.missing import Missing, NoCluster
from cluster.pointing import pointing
from cluster.programs import kubectl
from cluster.progress import report
from cluster.running import prepare
from cluster.standing import down, standing, up


def main() -> int:
    parser = argparse.ArgumentParser(prog="cluster", description="A Kubernetes API server for tests and the demo.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="have a cluster that stays up, and print what points a shell at it")
    commands.add_parser("down", help="end what `up` started")
    commands.add_parser("prepare", help="build the programs that are needed and not to hand, and start nothing")
    commands.add_parser("env", help="print what points a shell at the cluster that is up")
    try:
        return _run(parser.parse_args().command)
    except (NoCluster, Missing) as why:
        report(str(why).rstrip())
        return 2
    except KeyboardInterrupt:
        report("interrupted")
        return 130


def _run(command: str) -> int:
    if command == "up":
        _point_at(up(os.environ))
    elif command == "down":
        down(os.environ)
    elif command == "prepare":
        prepare(os.environ)
    else:
        left = standing()
        if left is None or not left.whole:
            raise NoCluster("no cluster is up: `make cluster` starts one")
        _point_at(left.kubeconfig)
    return 0


def _point_at(kubeconfig: Path) -> None:
    sys.stdout.write(pointing(kubeconfig, kubectl(os.environ), os.environ))


if __name__ == "__main__":
    sys.exit(main())
