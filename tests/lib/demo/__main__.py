"""Play the story for both dialects. Ends with 0 if every step held, 1 if one did not, 2 if it could not begin."""

import argparse
import os
import re
import signal
import sys
import time
import warnings
from types import FrameType

from cluster.missing import NoCluster
from cluster.processes import Died
from demo.screen import Screen
from demo.stage import Stage, a_namespace, a_stage
from demo.steps import Broken, Steps
from demo.story import STORY

NAMES = {"legacy": "A FlashSystem 900 (legacy dialect)", "modern": "A FlashSystem 7200 (modern dialect)"}
LOG_LINES = 25
REFUSAL = "CMMVC5753E"


def main() -> int:
    options = _options()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    screen, began = Screen(), time.monotonic()
    try:
        _play(screen, options)
    except Broken:
        return 1
    except (NoCluster, Died) as why:
        screen.broke(f"The demo could not begin: {why}")
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its exit
        return 1
    except KeyboardInterrupt:
        screen.broke("Interrupted. What was started is ended.")
        return 130
    screen.show()
    screen.show(f"Every step held. It took {time.monotonic() - began:.0f} s, and nothing of it is left running.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="demo", description="Watch volumes being attached and detached: a simulated array, a real Kubernetes API."
    )
    parser.add_argument(
        "--dialect", action="append", choices=list(NAMES), help="one array only; both when left out", default=[]
    )
    parser.add_argument(
        "--refuse", metavar="VERB", help="let the arrays refuse this verb, to see a step not hold: mkhost"
    )
    parser.add_argument(
        "--processes", action="store_true", help="no pods, even where the kind cluster of `make e2e` is up"
    )
    parser.add_argument("--patience", type=float, default=120, metavar="SECONDS", help="the most that a step waits")
    return parser.parse_args()


def _play(screen: Screen, options: argparse.Namespace) -> None:
    with a_stage(screen, processes=options.processes) as stage:
        for dialect in options.dialect or NAMES:
            screen.chapter(NAMES[dialect])
            with (
                a_namespace(stage.cluster, f"demo-{dialect}") as namespace,
                stage.an_array(dialect, namespace) as array,
            ):
                where = f"{array.address}:{array.port}"
                screen.show(f"It listens at {where}. All kubectl commands are in namespace {namespace}.")
                if options.refuse:
                    array.control.fault("refuse", options.refuse, times=None, code=REFUSAL)
                _run_steps(screen, stage, Steps(screen, stage.cluster, namespace, array, options.patience))


def _run_steps(screen: Screen, stage: Stage, steps: Steps) -> None:
    try:
        for play in STORY:
            play(steps)
        _all_is_well(stage)
    except Broken as why:
        screen.broke(str(why))
        screen.show(f"\nThe end of the operator's log ({_how(stage)}):")
        screen.answered("\n".join(stage.operator.log.splitlines()[-LOG_LINES:]))
        raise


def _all_is_well(stage: Stage) -> None:
    """A story may end well although the operator stumbled on its way."""
    if re.search(r' ERROR |"level": "ERROR"', stage.operator.log) or not stage.operator.running:
        raise Broken("Every step held, but the operator reported a bug of its own, or ended.")


def _how(stage: Stage) -> str:
    return "it is running" if stage.operator.running else "it is not running any more"


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # A kubectl that is just being started may be lost hold of; it ends by itself, and need not be reported.
    warnings.simplefilter("ignore", ResourceWarning)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
