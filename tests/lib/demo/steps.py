"""The frame of a step: what it promises, what the user types, what the array receives, and whether it is true."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from typing import Any

from cluster.client import Cluster, KubectlFailed
from demo.array import Array
from demo.resources import KINDS
from demo.screen import Screen
from flashsystem_operator.simulator.client import ControlError


class NotSo(Exception):
    """A check found the world to be otherwise than the step claims."""


class Broken(Exception):
    """A step did not hold. The message has its number and the reason."""


class Steps:
    """The steps of one story, in one namespace, with one array. patience: seconds that anything may take."""

    def __init__(self, screen: Screen, cluster: Cluster, namespace: str, array: Array, patience: float) -> None:
        self.array = array
        self.changes: list[list[str]] = []
        self._screen = screen
        self._cluster = cluster
        self._namespace = namespace
        self._patience = patience
        self._number = 0
        self._asked = 0

    @contextlib.contextmanager
    def step(self, promise: str) -> Iterator[None]:
        """Whatever goes wrong inside breaks this promise, and the demo with it."""
        self._number += 1
        self._screen.step(self._number, promise)
        try:
            yield
        except BrokenPipeError:  # the reader of our output has ended
            raise
        except (NotSo, KubectlFailed, ControlError, subprocess.TimeoutExpired, OSError, LookupError) as why:
            self._screen.array(self.array.commands())
            self._show_conditions()
            reason = f"{type(why).__name__} {why}" if isinstance(why, LookupError) else str(why)
            raise Broken(f"Step {self._number} ({self.array.dialect}) did not hold: {promise}\n{reason}") from why

    def _show_conditions(self) -> None:
        """Show the conditions of all objects, after a step that did not hold."""
        ready = ".status.conditions[0]"
        columns = f"KIND:.kind,NAME:.metadata.name,READY:{ready}.status,REASON:{ready}.reason,WHY:{ready}.message"
        with contextlib.suppress(KubectlFailed, subprocess.TimeoutExpired):
            self.kubectl("get", KINDS, f"--output=custom-columns={columns}")

    # -- what the user does ------------------------------------------------------------------------------------------

    def apply(self, yaml: str, *, shown: bool = True) -> None:
        if shown:
            self._screen.wrote(yaml)
        self._screen.typed("kubectl apply -f -")
        self._cluster.apply(yaml, self._namespace)

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl, and show its output."""
        self._screen.typed(" ".join(("kubectl", *arguments)))
        answer = self._quietly(*arguments)
        self._screen.answered(answer or "(nothing)")
        return answer

    def delete(self, *arguments: str) -> None:
        self.kubectl("delete", *arguments, f"--timeout={self._patience:g}s")

    def wait(self, condition: str, *what: str) -> None:
        """For `condition=Ready` and the like."""
        self._screen.typed(f"kubectl wait --for={condition} {' '.join(what)}")
        self._quietly("wait", f"--for={condition}", *what, f"--timeout={self._patience:g}s")

    # -- what others do ----------------------------------------------------------------------------------------------

    def by_hand(self, line: str) -> None:
        """Run a line on the array, as its administrator."""
        self._screen.typed(f"ssh {self.array.user}@{self.array.address} {line}")
        answer = self.array.control.admin(line)
        self.so(answer["exit"] == 0, f"the array refused it: {answer}")

    def look_again(self, what: str) -> None:
        """Ask the operator to read the array now, and wait until it has."""
        self._asked += 1
        self.kubectl("annotate", "--overwrite", what, f"flashsystem.io/reconcile-requested-at={self._asked}")
        self.wait(f"jsonpath={{.status.lastHandledReconcileAt}}={self._asked}", what)

    # -- what is looked at -------------------------------------------------------------------------------------------

    def get(self, kind: str, name: str) -> Any:
        return json.loads(self._quietly("get", kind, name, "--output=json"))

    def condition(self, kind: str, name: str, which: str = "Ready") -> Any:
        conditions = self.get(kind, name)["status"]["conditions"]
        return next(each for each in conditions if each["type"] == which)

    def received(self, *changes: str) -> list[list[str]]:
        """Show what the array received since the last call. It was to change by exactly these verbs, in any order."""
        commands = self.array.commands()
        self._screen.array(commands)
        sent = [command["named"] for command in commands if command["writes"]]
        self.changes += sent
        self.so(
            sorted(command[0] for command in sent) == sorted(changes),
            f"the array should receive {', '.join(changes) or 'nothing'}; it received {sent or 'nothing'}",
        )
        return sent

    def so(self, truth: bool, otherwise: str) -> None:
        if not truth:
            raise NotSo(otherwise)

    def held(self, what: str) -> None:
        self._screen.held(what)

    def _quietly(self, *arguments: str) -> str:
        return self._cluster.kubectl("--namespace", self._namespace, *arguments)
